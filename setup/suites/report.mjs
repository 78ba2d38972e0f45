import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

/**
 * Has a test runner write its report as JSON, and reads it.
 * @param {(file: string) => Promise<import('../process.mjs').Finished>} runTests
 * @returns {Promise<{ finished: import('../process.mjs').Finished, report: unknown }>} `report` is
 *   null when the runner broke down before it wrote one
 */
export async function withReport(runTests) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ming-report-'))
  const file = path.join(folder, 'report.json')
  try {
    const finished = await runTests(file)
    const text = await readFile(file, 'utf8').catch(() => null)
    return { finished, report: text === null ? null : JSON.parse(text) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * A runner that ended badly without naming a failed test counts as one failure.
 * @param {string} suite
 * @param {import('../suites.mjs').Tally} tally
 * @param {import('../process.mjs').Finished} finished
 * @returns {import('../suites.mjs').Tally}
 */
export function addBreakdown(suite, tally, finished) {
  if (finished.code === 0 || tally.failed > 0) return tally
  const how =
    finished.signal === null ? `exit code ${String(finished.code)}` : `signal ${finished.signal}`
  const failures = [...tally.failures, `${suite}: the test runner ended with ${how}`]
  return { ...tally, failed: tally.failed + 1, failures }
}
