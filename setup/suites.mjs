import { prepare } from './prepare.mjs'
import { SetupError, SuiteUnavailable, messageOf } from './setup-error.mjs'
import { runContainers } from './suites/containers.mjs'
import { runStaticChecks } from './suites/static.mjs'
import { runPlaywright } from './suites/playwright.mjs'
import { runVitest } from './suites/vitest.mjs'

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {readonly string[]} failures what failed, one line each
 * @property {readonly string[]} skipped titles
 *
 * @typedef {object} Suite
 * @property {readonly import('./prepare.mjs').Need[]} needs
 * @property {(filters: readonly string[]) => Promise<Tally>} run
 */

/**
 * In the order of running: what is quick to fail comes first.
 * @type {Readonly<Record<string, Suite>>}
 */
const suites = {
  static: { needs: ['dependencies', 'site'], run: () => runStaticChecks() },
  unit: { needs: ['dependencies'], run: (filters) => runVitest('unit', filters) },
  docs: { needs: ['dependencies', 'etcd', 'site'], run: (filters) => runVitest('docs', filters) },
  contracts: {
    needs: ['dependencies', 'etcd'],
    run: (filters) => runVitest('contracts', filters),
  },
  integration: {
    needs: ['dependencies', 'etcd', 'site'],
    run: (filters) => runVitest('integration', filters),
  },
  e2e: { needs: ['dependencies', 'etcd', 'site', 'chromium'], run: runPlaywright },
  containers: { needs: ['dependencies', 'etcd', 'site', 'chromium'], run: runContainers },
}

/**
 * Runs the named suites, all by default, and ends with one line that adds them up. Other words are
 * passed on to the test runners, which take them as parts of file names.
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
export async function runSuites(args) {
  const named = args.filter((word) => word in suites)
  const filters = args.filter((word) => !(word in suites))
  const chosen = Object.entries(suites).filter(
    ([name]) => named.length === 0 || named.includes(name),
  )
  /** @type {[string, Tally][]} */
  const results = []
  for (const [name, suite] of chosen) results.push([name, await runSuite(name, suite, filters)])
  return summarize(results)
}

/**
 * A suite that cannot be prepared, or breaks down, counts as one failure; one that this machine
 * cannot run is skipped, and the summary says so. The others still run.
 * @param {string} name
 * @param {Suite} suite
 * @param {readonly string[]} filters
 * @returns {Promise<Tally>}
 */
async function runSuite(name, suite, filters) {
  print(`\n── ${name} ──`)
  try {
    await prepare(suite.needs)
    return checkTally(name, await suite.run(filters))
  } catch (error) {
    print(error instanceof SetupError ? error.message : String(errorText(error)))
    const line = messageOf(error).split('\n')[0] ?? ''
    if (error instanceof SuiteUnavailable) return skippedSuite(`${name}: ${line}`)
    return { passed: 0, failed: 1, failures: [`${name}: ${line}`], skipped: [] }
  }
}

/**
 * @param {string} title
 * @returns {Tally}
 */
function skippedSuite(title) {
  return { passed: 0, failed: 0, failures: [], skipped: [title] }
}

/** @param {unknown} error */
function errorText(error) {
  return error instanceof Error ? error.stack : error
}

/**
 * @param {string} name
 * @param {Tally} tally
 * @returns {Tally}
 */
function checkTally(name, tally) {
  if (tally.passed + tally.failed > 0) return tally
  return { ...tally, failed: 1, failures: [`${name}: no test ran`] }
}

/**
 * @param {readonly [string, Tally][]} results
 * @returns {number} exit code
 */
function summarize(results) {
  print('\n── summary ──')
  for (const [name, { passed, failed, skipped }] of results) {
    const also = skipped.length === 0 ? '' : `, ${String(skipped.length)} SKIPPED`
    print(`${name.padEnd(12)} ${String(passed)} passed, ${String(failed)} failed${also}`)
  }
  for (const title of results.flatMap(([, tally]) => tally.skipped)) print(`SKIPPED  ${title}`)
  for (const title of results.flatMap(([, tally]) => tally.failures)) print(`FAILED   ${title}`)
  const passed = sum(results.map(([, tally]) => tally.passed))
  const failed = sum(results.map(([, tally]) => tally.failed))
  print(`${String(passed)} passed, ${String(failed)} failed`)
  return failed === 0 ? 0 : 1
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`)
}
