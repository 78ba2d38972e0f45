import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.ts'
import type { ConsumerView, ProviderLife, RunHistory, Told, Trial } from './history.ts'

const bounds = { missing: 1, consumer: 2.5, provider: 2 }
const end = 20_000
const trial = (over: Partial<Trial> = {}): Trial => ({
  name: 'a fault',
  from: 0,
  bounds,
  settled: null,
  ...over,
})

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
  const nothing = { providers: [], chapters: [], outages: [], listeners: [], trials: [trial()] }
  const consumers = [{ name: 'c', views, blind: [] }]
  return checkHistory({ ...nothing, consumers, ...over }, end)
}

/** `type what revision`, one each. */
function listen(...lines: string[]): string[] {
  const told = lines.map((line): Told => {
    const [type, what = '', revision = ''] = line.split(' ')
    return { type: type as Told['type'], what, revision: BigInt(revision) }
  })
  return check({ listeners: [{ name: 'l', told }] }, [])
}

describe('the checker', () => {
  it('is content with an instance that is served for as long as it lives', () => {
    expect(check({ providers: [life()] }, [view(0, [1])])).toEqual([])
    expect(check({ providers: [life({ to: 5000 })] }, [view(0, [1]), view(7500, [])])).toEqual([])
  })

  it('misses a living instance that is not served for longer than the bound', () => {
    const views = [view(0, [1]), view(5000, []), view(6001, [1])]
    expect(check({ providers: [life()] }, views)).toEqual([
      'c: 1 lived and was missing for 1001 ms from 5000 on, allowed 1000 (a fault)',
    ])
    expect(check({ providers: [life()] }, [view(0, [1]), view(5000, []), view(6000, [1])])).toEqual(
      [],
    )
  })

  it('joins views that follow each other, and does not add up separate gaps', () => {
    const joined = [view(0, [1]), view(5000, []), view(5600, [2]), view(6200, [1])]
    const providers = [life(), life({ port: 2, from: end })]
    expect(check({ providers }, joined)).toHaveLength(1)
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

  it('finds a dead instance that is served for longer than the bound', () => {
    const dead = [life({ to: 5000 })]
    expect(check({ providers: dead }, [view(0, [1]), view(7501, [])])).toEqual([
      'c: 1 was dead and served for 2501 ms, allowed 2500 (a fault)',
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
    // Known, and nothing else: whether they live does not matter here.
    const providers = [life({ from: end }), life({ port: 2, from: end })]
    const live = (revision: bigint, ports: number[], at = 0) =>
      check({ chapters, providers }, [view(at, ports, { revision, trust: 'live' })])
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
  it('allows what the fault allows in which it began', () => {
    const views = [view(0, [1]), view(5000, []), view(7000, [1])]
    const worse = trial({ name: 'another', from: 4000, bounds: { ...bounds, missing: 2 } })
    expect(check({ providers: [life()], trials: [trial(), worse] }, views)).toEqual([])
    expect(
      check({ providers: [life()], trials: [trial(), { ...worse, from: 5001 }] }, views),
    ).toEqual(['c: 1 lived and was missing for 2000 ms from 5000 on, allowed 1000 (a fault)'])
  })

  it('holds a fault to the time after which all is to be well', () => {
    const settled = { consumer: 2500, provider: 2001 }
    expect(check({ trials: [trial({ settled })] }, [])).toEqual([
      'a fault: every provider was well after 2001 ms, allowed 2000',
    ])
  })

  it('finds an instance that nobody has registered', () => {
    expect(check({ providers: [life()] }, [view(0, [1, 7])])).toEqual([
      'c: 7 was served and has never registered',
    ])
    const mended = [view(0, [1, 7]), view(2000, [1])]
    expect(check({ providers: [life()] }, mended)).toEqual([])
  })

  it('finds what a listener is told twice, of nobody or out of order', () => {
    expect(
      listen('added a 5', 'updated a 6', 'undecodable a 7', 'added a 8', 'removed a 9'),
    ).toEqual([])
    expect(listen('added a 5', 'added a 6')).toEqual([
      'l: told added a at revision 6, where there was instance',
    ])
    expect(listen('removed a 5')).toHaveLength(1)
    expect(listen('added a 5', 'removed a 6', 'removed a 6')).toHaveLength(1)
    expect(listen('updated a 5')).toHaveLength(1)
    expect(listen('added a 5', 'added b 4')).toEqual(['l: told added b at revision 4, after 5'])
  })

  it('lets a new list begin anew, in its own order', () => {
    const before = ['added a 5', 'added b 6']
    expect(listen(...before, 'relisted compacted 9', 'removed b 9', 'updated a 8')).toEqual([])
    expect(listen(...before, 'relisted history-changed 3', 'removed b 3', 'updated a 2')).toEqual(
      [],
    )
    expect(listen('relisted compacted 9', 'added a 12', 'added b 11')).toHaveLength(1)
  })
})
