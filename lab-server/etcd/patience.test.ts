import { expect, it } from 'vitest'
import { Patience } from './patience.ts'

it('never suspects a fast cluster before the floor', () => {
  const patience = new Patience(150)
  expect(patience.of('put')).toBe(150)
  for (let n = 0; n < 50; n += 1) patience.learn('put', 2)
  expect(patience.of('put')).toBe(150)
})

it('grows with a cluster that is slow, and shrinks again', () => {
  const patience = new Patience(150)
  for (let n = 0; n < 50; n += 1) patience.learn('put', 800)
  expect(patience.of('put')).toBeGreaterThan(800)
  expect(patience.of('put')).toBeLessThan(1000)
  for (let n = 0; n < 100; n += 1) patience.learn('put', 3)
  expect(patience.of('put')).toBe(150)
})

it('allows for spread, but never waits longer than two seconds', () => {
  const patience = new Patience(150)
  for (let n = 0; n < 100; n += 1) patience.learn('put', n % 2 === 0 ? 100 : 300)
  expect(patience.of('put')).toBeGreaterThan(400)
  for (let n = 0; n < 100; n += 1) patience.learn('put', 9000)
  expect(patience.of('put')).toBe(2000)
})

it('judges each kind of call by itself', () => {
  const patience = new Patience(150)
  for (let n = 0; n < 50; n += 1) patience.learn('range', 900)
  expect(patience.of('put')).toBe(150)
})
