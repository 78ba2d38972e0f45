import { describe, expect, test } from 'vitest'
import { createBalancer, type Balancer, type Candidate } from './balancer.ts'

function candidate(address: string, facts: Partial<Candidate> = {}): Candidate {
  return { address, weight: 100, pending: 0, ...facts }
}

/** Numbers spread evenly over 0…1, in a fixed order. */
function evenDraw(steps: number): () => number {
  let index = -1
  return () => (index = (index + 1) % steps) / steps
}

function choose(balancer: Balancer, candidates: readonly Candidate[], times: number): string[] {
  return Array.from({ length: times }, () => balancer(candidates, false)?.address ?? 'nobody')
}

function count(chosen: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(chosen)].sort().map((each) => [each, chosen.filter((one) => one === each).length]),
  )
}

test.each(['random', 'round-robin', 'least-pending'] as const)(
  '%s chooses nobody where nobody is',
  (name) => {
    expect(createBalancer(name)([], false)).toBeNull()
  },
)

describe('random', () => {
  test('shares calls by weight', () => {
    const balancer = createBalancer('random', evenDraw(100))
    const three = [
      candidate('a', { weight: 10 }),
      candidate('b', { weight: 60 }),
      candidate('c', { weight: 30 }),
    ]
    expect(count(choose(balancer, three, 100))).toEqual({ a: 10, b: 60, c: 30 })
  })

  test('sends nothing to a weight of 0, not even at the edges', () => {
    const three = [
      candidate('a', { weight: 0 }),
      candidate('b', { weight: 1 }),
      candidate('c', { weight: 0 }),
    ]
    for (const draw of [0, 0.5, 1 - Number.EPSILON, 1]) {
      expect(createBalancer('random', () => draw)(three, false)?.address).toBe('b')
    }
  })

  test('takes everybody alike where all weigh nothing', () => {
    const balancer = createBalancer('random', evenDraw(10))
    const two = [candidate('a', { weight: 0 }), candidate('b', { weight: 0 })]
    expect(count(choose(balancer, two, 10))).toEqual({ a: 5, b: 5 })
  })
})

describe('round-robin', () => {
  test('goes round in the order of the addresses, whatever order they come in', () => {
    const balancer = createBalancer('round-robin')
    const three = [candidate('c'), candidate('a'), candidate('b')]
    expect(choose(balancer, three, 5)).toEqual(['a', 'b', 'c', 'a', 'b'])
  })

  test('goes on from where it was when instances come and go', () => {
    const balancer = createBalancer('round-robin')
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((address) => candidate(address)) as [
      Candidate,
      Candidate,
      Candidate,
      Candidate,
    ]
    expect(balancer([a, b, d], false)).toBe(a)
    expect(balancer([a, b, d], false)).toBe(b)
    expect(balancer([a, c, d], false)).toBe(c)
    expect(balancer([a, b], false)).toBe(a)
  })

  test('spreads the retries of a dead instance, and the others keep their turns', () => {
    const balancer = createBalancer('round-robin')
    const [dead, b, c] = [candidate('a'), candidate('b'), candidate('c')] as const
    const chosen = Array.from({ length: 6 }, () => {
      const first = balancer([b, dead, c], false)
      return first === dead ? [first, balancer([c, b], true)] : [first]
    })
    expect(chosen).toEqual([[dead, b], [b], [c], [dead, c], [b], [c]])
  })
})

describe('least-pending', () => {
  test('chooses whoever owes the fewest answers, whatever it weighs', () => {
    const balancer = createBalancer('least-pending')
    const three = [
      candidate('a', { pending: 3, weight: 1000 }),
      candidate('b', { pending: 1, weight: 1 }),
      candidate('c', { pending: 2 }),
    ]
    expect(choose(balancer, three, 3)).toEqual(['b', 'b', 'b'])
  })

  test('spreads calls among those that owe equally few', () => {
    const balancer = createBalancer('least-pending', evenDraw(10))
    const three = [candidate('a'), candidate('b'), candidate('c', { pending: 1 })]
    expect(count(choose(balancer, three, 10))).toEqual({ a: 5, b: 5 })
  })
})
