import { expect, test } from 'vitest'
import { defaultLabLimit } from './lab-limit.ts'

test('leaves half of the memory free', () => {
  expect(defaultLabLimit({ freeMemory: 6e9, freeDisk: 1e12 }).max).toBe(20)
})

test('leaves half of the disk free', () => {
  expect(defaultLabLimit({ freeMemory: 1e12, freeDisk: 10e9 }).max).toBe(10)
})

test('allows one lab on the smallest machine and not more than 100 on the largest', () => {
  expect(defaultLabLimit({ freeMemory: 1e6, freeDisk: 1e6 }).max).toBe(1)
  expect(defaultLabLimit({ freeMemory: 1e13, freeDisk: 1e13 }).max).toBe(100)
})

test('says what it was made from', () => {
  expect(defaultLabLimit({ freeMemory: 6e9, freeDisk: 10e9 }).because).toBe(
    '6.0 GB of memory free: 20 labs; 10.0 GB of disk free: 10; at most 100',
  )
})
