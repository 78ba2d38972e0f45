import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.ts'
import type { ConsumerView, ProviderLife, RunHistory } from './history.ts'

const bounds = { missing: 1000, lingering: 500 }
const end = 20_000

const life = (over: Partial<ProviderLife> = {}): ProviderLife => ({
  port: 1,
  ttlMs: 2000,
  from: 0,
  to: null,
  frozen: [],
  ...over,
})
const view = (at: number, ports: number[], over: Partial<ConsumerView> = {}): ConsumerView => ({
  at,
  ports,
  revision: 1n,
  trust: 'guarded',
  ...over,
})

function check(over: Partial<RunHistory>, views: readonly ConsumerView[]): string[] {
  const history = { providers: [], chapters: [], outages: [], ...over }
  return checkHistory({ ...history, consumers: [{ name: 'c', views, blind: [] }] }, end, bounds)
}

describe('the checker', () => {
  it('is content with an instance that is served for as long as it lives', () => {
    expect(check({ providers: [life()] }, [view(0, [1])])).toEqual([])
    expect(check({ providers: [life({ to: 5000 })] }, [view(0, [1]), view(7500, [])])).toEqual([])
  })

  it('misses a living instance that is not served for longer than the bound', () => {
    const views = [view(0, [1]), view(5000, []), view(6001, [1])]
    expect(check({ providers: [life()] }, views)).toEqual([
      'c: 1 lived and was missing for 1001 ms from 5000 on, allowed 1000',
    ])
    expect(check({ providers: [life()] }, [view(0, [1]), view(5000, []), view(6000, [1])])).toEqual(
      [],
    )
  })

  it('joins views that follow each other, and does not add up separate gaps', () => {
    const joined = [view(0, [1]), view(5000, []), view(5600, [2]), view(6200, [1])]
    expect(check({ providers: [life()] }, joined)).toHaveLength(1)
    const separate = [
      view(0, [1]),
      view(5000, []),
      view(5900, [1]),
      view(6000, []),
      view(6900, [1]),
    ]
    expect(check({ providers: [life()] }, separate)).toEqual([])
  })

  it('does not count the time in which etcd or the provider itself could do nothing', () => {
    const views = [view(0, [1]), view(5000, []), view(9000, [1])]
    const outages = [{ from: 5500, to: 8500 }]
    expect(check({ providers: [life()], outages }, views)).toEqual([])
    expect(check({ providers: [life({ frozen: outages })] }, views)).toEqual([])
    expect(check({ providers: [life()], outages: [{ from: 5500, to: 8000 }] }, views)).toHaveLength(
      1,
    )
  })

  it('finds a dead instance that is served for longer than its TTL and the bound', () => {
    const dead = [life({ to: 5000 })]
    expect(check({ providers: dead }, [view(0, [1]), view(7501, [])])).toEqual([
      'c: 1 was dead and served for 2501 ms, allowed 2500',
    ])
    // Also one that goes and comes back.
    const back = [view(0, [1]), view(6000, []), view(8000, [1]), view(8100, [])]
    expect(check({ providers: dead }, back)).toHaveLength(1)
    // A new leader starts the lease anew, after the outage.
    const outages = [{ from: 5500, to: 9000 }]
    expect(check({ providers: dead, outages }, [view(0, [1]), view(12_900, [])])).toEqual([])
  })

  it('tells a dead instance from its successor at the same address', () => {
    const providers = [life({ to: 5000 }), life({ from: 6000 })]
    expect(check({ providers }, [view(0, [1])])).toEqual([])
  })

  it('compares what a live view serves with what etcd held at its revision', () => {
    const chapters = [
      {
        from: 0,
        steps: [
          { revision: 5n, ports: [1] },
          { revision: 8n, ports: [1, 2] },
        ],
      },
      { from: 10_000, steps: [{ revision: 3n, ports: [2] }] },
    ]
    const live = (revision: bigint, ports: number[], at = 0) =>
      check({ chapters }, [view(at, ports, { revision, trust: 'live' })])
    expect(live(7n, [1])).toEqual([])
    expect(live(9n, [1, 2])).toEqual([])
    expect(live(4n, [2], 17_000)).toEqual([])
    expect(live(8n, [1])).toEqual(['c: at revision 8 etcd held 1,2, served were 1'])
    expect(live(4n, [1], 17_000)).toEqual(['c: at revision 4 etcd held 2, served were 1'])
    // While a restored etcd is being noticed, either history will do.
    expect(live(8n, [2], 12_000)).toEqual([])
    expect(live(8n, [1, 2], 12_000)).toEqual([])
    expect(live(8n, [1], 12_000)).toHaveLength(1)
    // What is not claimed to be live may differ.
    expect(check({ chapters }, [view(0, [], { revision: 8n, trust: 'stale' })])).toEqual([])
  })
})
