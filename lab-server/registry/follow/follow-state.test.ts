import { describe, expect, test } from 'vitest'
import { rawInstance, rawPrefix } from '../../../tests/helpers/raw-instance.ts'
import type { WatchEvent } from '../../etcd/etcd-calls.ts'
import { listedView } from '../view.ts'
import {
  reduceFollow,
  startFollowing,
  trustOf,
  type FollowEvent,
  type FollowState,
} from './follow-state.ts'

const prefix = rawPrefix
const limits = { guardMs: 30_000, staleAfterMs: 5000 }

const put = (port: number, at: number): WatchEvent => ({
  type: 'put',
  kv: rawInstance(port, at),
  prevKv: null,
})
const remove = (port: number, at: number): WatchEvent => ({
  type: 'delete',
  kv: rawInstance(port, at),
  prevKv: null,
})

function listed(
  ports: readonly number[],
  revision: number,
  more: { at?: number; historyChanged?: boolean; clusterId?: string } = {},
): FollowEvent {
  const keys = ports.map((port) => rawInstance(port, 1))
  const view = listedView(prefix, keys, String(revision))
  return { type: 'listed', view, clusterId: 'c', historyChanged: false, at: 0, ...more }
}

function batch(events: readonly WatchEvent[], revision: number, at = 0): FollowEvent {
  return { type: 'batch', batch: { revision: String(revision), events }, at }
}

function after(...events: readonly FollowEvent[]): FollowState {
  return events.reduce((state, event) => reduceFollow(state, event, limits), startFollowing(prefix))
}

function ports({ served }: FollowState): number[] {
  return [...served.entries.values()]
    .map(({ found }) => found?.instance.servicePort ?? 0)
    .toSorted((a, b) => a - b)
}

const snapshot = (held: readonly number[], revision: number): FollowEvent => ({
  type: 'snapshot',
  view: listedView(
    prefix,
    held.map((port) => rawInstance(port, 1)),
    String(revision),
  ),
  clusterId: 'c',
})

describe('a followed service', () => {
  test('serves what the list and the watch say', () => {
    const state = after(listed([1, 2], 10), batch([put(3, 11), remove(1, 12)], 12))
    expect(ports(state)).toEqual([2, 3])
    expect(state.served.revision).toBe(12n)
  })

  test('believes a delete at once, even of the last instance', () => {
    expect(ports(after(listed([1], 10), batch([remove(1, 11)], 11)))).toEqual([])
  })

  test('believes at once a new list of the same history, even an empty one', () => {
    const state = after(listed([1, 2], 10), listed([], 20))
    expect(ports(state)).toEqual([])
    expect(state.guard).toBeNull()
  })

  test('is live while etcd says so, and stale after a silence', () => {
    const state = after(listed([1], 10, { at: 1000 }), batch([], 10, 2000))
    expect(trustOf(state, 7000, limits)).toBe('live')
    expect(trustOf(state, 7001, limits)).toBe('stale')
  })

  test('serves a snapshot as stale until etcd answers, and ignores it afterwards', () => {
    const started = after(snapshot([1, 2], 10))
    expect(ports(started)).toEqual([1, 2])
    expect(trustOf(started, 0, limits)).toBe('stale')
    const live = reduceFollow(started, listed([2, 3], 12), limits)
    expect(ports(live)).toEqual([2, 3])
    expect(trustOf(live, 0, limits)).toBe('live')
    expect(reduceFollow(live, snapshot([1, 2], 10), limits)).toBe(live)
  })
})

describe('the guard', () => {
  test.each([
    ['the revision went back', listed([1], 5, { at: 100 })],
    ['the cluster is another one', listed([1], 50, { at: 100, clusterId: 'other' })],
    ['the watch found another history', listed([1], 50, { at: 100, historyChanged: true })],
  ])('holds what is gone when %s', (_, event) => {
    const state = after(listed([1, 2, 3], 10), event)
    expect(ports(state)).toEqual([1, 2, 3])
    expect(trustOf(state, 100, limits)).toBe('guarded')
    const kept = reduceFollow(state, { type: 'tick', at: 30_099 }, limits)
    expect(ports(kept)).toEqual([1, 2, 3])
    const ended = reduceFollow(state, { type: 'tick', at: 30_100 }, limits)
    expect(ports(ended)).toEqual([1])
    expect(ended.guard).toBeNull()
  })

  test('ends when its time has passed, whatever event comes first after that', () => {
    const guarded = after(listed([1, 2], 10), listed([1], 5, { at: 1000 }))
    const progress = reduceFollow(guarded, batch([], 6, 31_000), limits)
    expect([ports(progress), progress.guard]).toEqual([[1], null])
  })

  test('ends as soon as every instance is back', () => {
    const guarded = after(listed([1, 2], 10), listed([], 5))
    const half = reduceFollow(guarded, batch([put(1, 6)], 6), limits)
    expect([ports(half), half.guard?.held.size]).toEqual([[1, 2], 1])
    const whole = reduceFollow(half, batch([put(2, 7)], 7), limits)
    expect([ports(whole), whole.guard]).toEqual([[1, 2], null])
  })

  test('does not hold what the new history itself has removed', () => {
    const guarded = after(listed([1, 2], 10), listed([], 5))
    const state = reduceFollow(guarded, batch([put(1, 6), remove(1, 7)], 7), limits)
    expect(ports(state)).toEqual([2])
  })

  test('goes on holding over a list made again, and counts its time from the last exchange', () => {
    const guarded = after(listed([1, 2], 10), listed([], 5, { at: 1000 }))
    const again = reduceFollow(guarded, listed([2], 9, { at: 2000 }), limits)
    expect([ports(again), again.guard?.until]).toEqual([[1, 2], 31_000])
    const twice = reduceFollow(again, listed([], 3, { at: 3000 }), limits)
    expect([ports(twice), twice.guard?.until]).toEqual([[1, 2], 33_000])
  })

  test('holds what a snapshot knew when the cluster has lost it meanwhile', () => {
    const state = after(snapshot([1, 2], 10), listed([2], 4))
    expect(ports(state)).toEqual([1, 2])
    expect(trustOf(state, 0, limits)).toBe('guarded')
  })
})
