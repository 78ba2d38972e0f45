import { defineConfig } from 'vitest/config'

const patient = { testTimeout: 60_000, hookTimeout: 60_000 }
/** Suites that start clusters take turns: two cores cannot hold many elections at once. */
const oneFileAtATime = { ...patient, fileParallelism: false }

export default defineConfig({
  test: {
    // A file that finds no test is a mistake, never a success.
    passWithNoTests: false,
    allowOnly: false,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{protocol,lab-server,src,setup}/**/*.test.ts'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'docs',
          include: ['tests/docs/**/*.test.ts'],
          ...oneFileAtATime,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'contracts',
          include: ['tests/contracts/**/*.test.ts'],
          // Most of their time is spent waiting for leases and for a lost quorum: two at a time.
          ...patient,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/{integration,faults}/**/*.test.ts'],
          ...oneFileAtATime,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
