import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WatchEvent } from '../etcd/etcd-calls.ts'
import type { RawKey } from '../etcd/etcd-inspector.ts'
import { encodeInstance } from './codec.ts'
import type { RegistryChange } from './registry.ts'
import { keyText } from './service-key.ts'
import {
  applyBatch,
  diffViews,
  emptyView,
  listedView,
  toDiscovery,
  type ServiceView,
  type ViewStep,
} from './view.ts'

const prefix = '/rpc/S:1.0/'

function value(port: number, weight: number): string {
  return encodeInstance({
    serviceName: 'S',
    serviceVersion: '1.0',
    serviceHost: 'h',
    servicePort: port,
    serviceGroup: 'default',
    extra: { weight },
  })
}

function raw(port: number, modRevision: number, text = value(port, 1), lease = '7'): RawKey {
  return {
    key: Buffer.from(`${prefix}h:${port}`),
    value: Buffer.from(text),
    createRevision: '1',
    modRevision: String(modRevision),
    version: '1',
    lease,
  }
}

const put = (...args: Parameters<typeof raw>): WatchEvent => ({
  type: 'put',
  kv: raw(...args),
  prevKv: null,
})
const remove = (port: number, modRevision: number): WatchEvent => ({
  type: 'delete',
  kv: raw(port, modRevision, '', '0'),
  prevKv: null,
})

/** As a watch delivers them: everything up to the last event's revision. */
function applyEvents(view: ServiceView, events: readonly WatchEvent[]): ViewStep {
  return applyBatch(view, { revision: events.at(-1)?.kv.modRevision ?? '0', events })
}

function summary(changes: readonly RegistryChange[]): string[] {
  return changes.map((change) => {
    switch (change.type) {
      case 'added':
      case 'updated':
        return `${change.type} ${change.found.instance.servicePort} @${change.revision}`
      case 'removed':
        return `removed ${change.instance?.servicePort ?? 'unreadable'} @${change.revision}`
      case 'undecodable':
        return `undecodable ${change.key} @${change.revision}`
      case 'relisted':
        return `relisted @${change.revision}`
    }
  })
}

function after(view: ServiceView, events: readonly WatchEvent[]): string[] {
  return summary(applyEvents(view, events).changes)
}

describe('a view', () => {
  test('starts from a list and skips what it cannot read', () => {
    const view = listedView(prefix, [raw(1, 3), raw(2, 5, 'garbage')], '9')
    expect(toDiscovery(view)).toMatchObject({
      revision: '9',
      instances: [{ key: '/rpc/S:1.0/h:1', revision: '3', lease: '7' }],
      undecodable: [{ key: '/rpc/S:1.0/h:2', reason: 'the value is not JSON' }],
    })
  })

  test('takes a key of another service below its prefix for unreadable', () => {
    const kv = { ...raw(1, 3), key: Buffer.from(`${prefix}x:2.0/h:1`) }
    expect(toDiscovery(listedView(prefix, [kv], '3')).undecodable).toEqual([
      { key: '/rpc/S:1.0/x:2.0/h:1', reason: 'the key does not go on with host:port' },
    ])
  })

  test('says added, updated and removed, with the instance that went', () => {
    const view = listedView(prefix, [raw(1, 3)], '9')
    const { changes } = applyEvents(view, [put(2, 10), put(1, 11, value(1, 5)), remove(2, 12)])
    expect(summary(changes)).toEqual(['added 2 @10', 'updated 1 @11', 'removed 2 @12'])
  })

  test('sees a key become unreadable, go, and come back', () => {
    const view = listedView(prefix, [raw(1, 3)], '9')
    expect(
      after(view, [put(1, 10, '{'), put(1, 11), put(1, 12, '{'), remove(1, 13), put(1, 14)]),
    ).toEqual([
      'undecodable /rpc/S:1.0/h:1 @10',
      'added 1 @11',
      'undecodable /rpc/S:1.0/h:1 @12',
      'removed unreadable @13',
      'added 1 @14',
    ])
  })

  test('a PUT of the same value under a fresh lease is no change, but the lease is noted', () => {
    const step = applyEvents(listedView(prefix, [raw(1, 3)], '9'), [put(1, 10, value(1, 1), '8')])
    expect(step.changes).toEqual([])
    expect(toDiscovery(step.view).instances).toMatchObject([{ revision: '10', lease: '8' }])
  })

  test('ignores what is older than itself', () => {
    const view = listedView(prefix, [raw(1, 3)], '9')
    expect(after(view, [put(1, 3), put(2, 4), remove(1, 8)])).toEqual([])
  })

  test('takes every key of one transaction', () => {
    const view = listedView(prefix, [raw(1, 3)], '9')
    expect(after(view, [put(2, 10), put(3, 10), remove(1, 10)])).toEqual([
      'added 2 @10',
      'added 3 @10',
      'removed 1 @10',
    ])
  })

  test('grows older with a progress report, and only older', () => {
    const view = listedView(prefix, [raw(1, 3)], '9')
    const later = applyBatch(view, { revision: '20', events: [] })
    expect(later.changes).toEqual([])
    expect(toDiscovery(later.view).revision).toBe('20')
    expect(applyBatch(later.view, { revision: '15', events: [] }).view.revision).toBe(20n)
  })

  test('does not change the view it started from', () => {
    const view = listedView(prefix, [raw(1, 3)], '9')
    applyEvents(view, [remove(1, 10)])
    expect(toDiscovery(view).instances).toHaveLength(1)
  })
})

describe('the difference of two views', () => {
  test('names removals first, then what was put, by revision; a lease alone is none', () => {
    const from = listedView(prefix, [raw(1, 3), raw(2, 4), raw(3, 5), raw(4, 6)], '9')
    const to = listedView(
      prefix,
      [raw(1, 30, value(1, 1), '8'), raw(3, 40, value(3, 9)), raw(5, 35), raw(4, 36, '{')],
      '50',
    )
    expect(summary(diffViews(from, to))).toEqual([
      'removed 2 @50',
      'added 5 @35',
      'undecodable /rpc/S:1.0/h:4 @36',
      'updated 3 @40',
    ])
  })
})

describe('any history', () => {
  const step = fc.record({
    port: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom('put', 'delete', 'garbage'),
    weight: fc.integer({ min: 1, max: 2 }),
  })

  /** The events etcd would send (no delete of an absent key), one revision each from 10 on. */
  function toEvents(
    steps: readonly { port: number; kind: string; weight: number }[],
  ): WatchEvent[] {
    const present = new Set<number>()
    return steps.flatMap(({ port, kind, weight }, index): WatchEvent[] => {
      const at = index + 10
      if (kind !== 'delete') {
        present.add(port)
        return [put(port, at, kind === 'put' ? value(port, weight) : '{')]
      }
      return present.delete(port) ? [remove(port, at)] : []
    })
  }

  /** What a consumer knows who has seen nothing but the changes. */
  function replay(changes: readonly RegistryChange[], known = new Map<string, unknown>()) {
    for (const change of changes) {
      if (change.type === 'added' || change.type === 'updated') {
        expect(known.has(change.found.key)).toBe(change.type === 'updated')
        known.set(change.found.key, change.found.instance)
      }
      if (change.type === 'removed' || change.type === 'undecodable') known.delete(change.key)
    }
    return known
  }

  const instancesOf = (view: ServiceView) =>
    new Map(toDiscovery(view).instances.map(({ key, instance }) => [key, instance]))

  test('leads to the same view with every repeat a reconnect can cause', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(), fc.nat(), (steps, a, b) => {
        const events = toEvents(steps)
        const once = applyEvents(emptyView(prefix), events)
        const cut = a % (events.length + 1)
        const back = b % (cut + 1)
        const first = applyEvents(emptyView(prefix), events.slice(0, cut))
        const rest = applyEvents(first.view, events.slice(back))
        expect([...first.changes, ...rest.changes]).toEqual(once.changes)
        expect(toDiscovery(rest.view)).toEqual(toDiscovery(once.view))
      }),
    )
  })

  test('is told completely by its changes, also across a relist', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(), (steps, at) => {
        const events = toEvents(steps)
        const before = applyEvents(emptyView(prefix), events.slice(0, at % (events.length + 1)))
        const whole = applyEvents(emptyView(prefix), events)
        const known = replay(before.changes)
        const relisted = diffViews(before.view, whole.view)
        expect(replay(relisted, known)).toEqual(instancesOf(whole.view))
        expect(replay(whole.changes)).toEqual(instancesOf(whole.view))
      }),
    )
  })
})

describe('a key as text', () => {
  test('is itself when it is text, and never equals another when it is not', () => {
    expect(keyText(Buffer.from('/rpc/用户:1/h:1'))).toBe('/rpc/用户:1/h:1')
    expect(keyText(Uint8Array.of(0x61, 0xff))).toBe('a\\xff')
    expect(keyText(Uint8Array.of(0x61, 0xfe))).toBe('a\\xfe')
    expect(keyText(Uint8Array.of(0x61, 0x5c, 0xff))).toBe('a\\x5c\\xff')
  })
})
