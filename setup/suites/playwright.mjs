import path from 'node:path'
import { root } from '../prepare.mjs'
import { run } from '../process.mjs'
import { addBreakdown, withReport } from './report.mjs'

/**
 * @typedef {object} PlaywrightSuite
 * @property {string} title
 * @property {PlaywrightSuite[]} [suites]
 * @property {{ title: string, tests: { status: string }[] }[]} [specs]
 *
 * @typedef {object} PlaywrightReport
 * @property {PlaywrightSuite[]} suites
 * @property {{ message?: string }[]} errors
 */

/**
 * @param {readonly string[]} filters
 * @returns {Promise<import('../suites.mjs').Tally>}
 */
export async function runPlaywright(filters) {
  const { finished, report } = await withReport((file) =>
    run(
      process.execPath,
      [
        path.join(root, 'node_modules/@playwright/test/cli.js'),
        ...['test', '--reporter=list,json', ...filters],
      ],
      { cwd: root, output: 'show', env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_FILE: file } },
    ),
  )
  const tally = countPlaywright(/** @type {PlaywrightReport | null} */ (report))
  return addBreakdown('e2e', tally, finished)
}

/**
 * A test that passed only when it was repeated counts as failed.
 * @param {PlaywrightReport | null} report
 * @returns {import('../suites.mjs').Tally}
 */
export function countPlaywright(report) {
  const tests = (report?.suites ?? []).flatMap((suite) => listTests(suite, 'e2e:'))
  const errors = (report?.errors ?? []).map((error) => `e2e: ${firstLine(error.message)}`)
  const titles = (/** @type {string[]} */ ...statuses) =>
    tests.filter((test) => statuses.includes(test.status)).map((test) => test.title)
  const failures = [...titles('unexpected', 'flaky'), ...errors]
  const passed = titles('expected').length
  return { passed, failed: failures.length, failures, skipped: titles('skipped') }
}

/**
 * @param {PlaywrightSuite} suite
 * @param {string} above
 * @returns {{ title: string, status: string }[]}
 */
function listTests(suite, above) {
  const here = `${above} ${suite.title} ›`
  const own = (suite.specs ?? []).flatMap((spec) =>
    spec.tests.map((test) => ({ title: `${here} ${spec.title}`, status: test.status })),
  )
  return [...own, ...(suite.suites ?? []).flatMap((inner) => listTests(inner, here))]
}

/** @param {string | undefined} text */
function firstLine(text) {
  return (text ?? 'unknown error').split('\n')[0] ?? ''
}
