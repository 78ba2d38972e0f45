import { expect, test } from 'vitest'
import { countPlaywright } from './playwright.mjs'

const spec = (title: string, ...statuses: string[]) => ({
  title,
  tests: statuses.map((status) => ({ status })),
})

test('tests of nested groups are counted, and one that needed a repetition has failed', () => {
  const report = {
    errors: [],
    suites: [
      {
        title: 'lab.test.ts',
        specs: [spec('starts', 'expected'), spec('is skipped', 'skipped')],
        suites: [{ title: 'faults', specs: [spec('kill', 'unexpected'), spec('stop', 'flaky')] }],
      },
    ],
  }
  expect(countPlaywright(report)).toEqual({
    passed: 1,
    failed: 2,
    failures: ['e2e: lab.test.ts › faults › kill', 'e2e: lab.test.ts › faults › stop'],
    skipped: ['e2e: lab.test.ts › is skipped'],
  })
})

test('an error outside every test counts as one failure', () => {
  const report = { suites: [], errors: [{ message: 'No tests found\nmore' }] }
  expect(countPlaywright(report)).toMatchObject({ failed: 1, failures: ['e2e: No tests found'] })
})
