import path from 'node:path'
import { root } from '../prepare.mjs'
import { run } from '../process.mjs'
import { addBreakdown, withReport } from './report.mjs'

/**
 * @typedef {object} VitestReport
 * @property {{
 *   name: string,
 *   status: string,
 *   message?: string,
 *   assertionResults: { status: string, fullName: string }[],
 * }[]} testResults
 */

/**
 * @param {string} suite all projects of vitest.config.ts whose names begin with it
 * @param {readonly string[]} filters
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<import('../suites.mjs').Tally>}
 */
export async function runVitest(suite, filters, env = process.env) {
  const { finished, report } = await withReport((file) =>
    run(
      process.execPath,
      [
        path.join(root, 'node_modules/vitest/vitest.mjs'),
        ...['run', '--project', `${suite}*`, '--reporter=default', '--reporter=json'],
        ...[`--outputFile.json=${file}`, ...filters],
      ],
      { cwd: root, output: 'show', env },
    ),
  )
  const tally = countVitest(suite, /** @type {VitestReport | null} */ (report))
  return addBreakdown(suite, tally, finished)
}

/**
 * @param {string} suite
 * @param {VitestReport | null} report
 * @returns {import('../suites.mjs').Tally}
 */
export function countVitest(suite, report) {
  const files = report?.testResults ?? []
  const tests = files.flatMap((file) =>
    file.assertionResults.map((test) => ({
      status: test.status,
      title: `${suite}: ${path.relative(root, file.name)} › ${test.fullName}`,
    })),
  )
  // A file that cannot be loaded has no tests of its own to blame.
  const broken = files.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const failures = [
    ...tests.filter((test) => test.status === 'failed').map((test) => test.title),
    ...broken.map((file) => `${suite}: ${path.relative(root, file.name)}`),
  ]
  const passed = tests.filter((test) => test.status === 'passed').length
  const others = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  return { passed, failed: failures.length, failures, skipped: others.map((test) => test.title) }
}
