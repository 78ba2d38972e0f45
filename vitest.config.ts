import { defineConfig } from 'vitest/config'

const patient = { testTimeout: 60_000, hookTimeout: 60_000 }
const oneFileAtATime = { ...patient, fileParallelism: false }

/**
 * What measures a failover, or counts what is done within a time, has the machine to itself: two
 * cores cannot hold many elections at once.
 */
const alone = [
  'tests/faults/faults.test.ts',
  'tests/faults/naive.test.ts',
  'tests/integration/cluster-monitor.test.ts',
  'tests/integration/etcd-client.test.ts',
  'tests/integration/etcd-lease.test.ts',
  'tests/integration/etcd-watch.test.ts',
  'tests/integration/npm-start.test.ts',
  'tests/integration/registry-follow.test.ts',
  'tests/integration/shell.test.ts',
]

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
          include: ['tests/{docs,deploy}/**/*.test.ts'],
          ...oneFileAtATime,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'contracts',
          include: ['tests/contracts/**/*.test.ts'],
          // Most of their time is spent waiting for leases and for a lost quorum.
          ...patient,
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/{integration,faults}/**/*.test.ts'],
          exclude: alone,
          // They wait most of the time: for processes to start and to end, for leases to expire.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 3,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration-alone',
          include: alone,
          ...oneFileAtATime,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          // Run by setup/suites/containers.mjs, which sees to the engine.
          name: 'containers',
          include: ['tests/containers/**/*.test.ts'],
          ...oneFileAtATime,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
})
