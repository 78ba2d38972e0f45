import { expect, test } from 'vitest'
import type { Finished } from '../process.mjs'
import { addBreakdown } from './report.mjs'
import { countVitest } from './vitest.mjs'

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((test) => ({ status: test, fullName: `is ${test}` })),
})

const finished = (code: number | null, signal: NodeJS.Signals | null = null): Finished => ({
  code,
  signal,
  stdout: '',
  stderr: '',
  timedOut: false,
})

test('passed, failed and skipped tests are told apart', () => {
  const report = { testResults: [file('failed', 'passed', 'passed', 'failed', 'skipped', 'todo')] }
  const tally = countVitest('unit', report)
  expect(tally).toMatchObject({ passed: 2, failed: 1 })
  expect(tally.failures[0]).toMatch(/a\.test\.ts › is failed$/)
  expect(tally.skipped).toHaveLength(2)
})

test('a file that cannot be loaded counts as one failure', () => {
  const report = { testResults: [file('failed'), file('passed', 'passed')] }
  expect(countVitest('unit', report)).toMatchObject({ passed: 1, failed: 1 })
})

test('a file whose only failure is a hook counts as one failure beside its passed tests', () => {
  const report = { testResults: [file('failed', 'passed')] }
  expect(countVitest('unit', report)).toMatchObject({ passed: 1, failed: 1 })
})

test('a runner that ends badly without a failed test counts as one failure', () => {
  const tally = countVitest('unit', { testResults: [file('passed', 'passed')] })
  expect(addBreakdown('unit', tally, finished(1))).toMatchObject({ passed: 1, failed: 1 })
  expect(addBreakdown('unit', tally, finished(null, 'SIGKILL')).failures).toEqual([
    'unit: the test runner ended with signal SIGKILL',
  ])
  expect(addBreakdown('unit', tally, finished(0))).toEqual(tally)
})

test('a runner that wrote no report and ended badly counts as one failure', () => {
  const tally = addBreakdown('unit', countVitest('unit', null), finished(1))
  expect(tally).toMatchObject({ passed: 0, failed: 1 })
})
