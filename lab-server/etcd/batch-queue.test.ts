import { describe, expect, it } from 'vitest'
import { BatchQueue } from './batch-queue.ts'
import type { WatchBatch, WatchEvent } from './etcd-calls.ts'

const event: WatchEvent = {
  type: 'put',
  kv: {
    key: new Uint8Array(),
    value: new Uint8Array(),
    createRevision: '1',
    modRevision: '1',
    version: '1',
    lease: '0',
  },
  prevKv: null,
}

function batch(revision: number, events: number): WatchBatch {
  return {
    revision: String(revision),
    events: Array.from({ length: events }, () => event),
  }
}

function makeQueue(): { queue: BatchQueue; changes: boolean[] } {
  const changes: boolean[] = []
  return { queue: new BatchQueue((full) => changes.push(full)), changes }
}

describe('BatchQueue', () => {
  it('delivers in order, to a consumer that came before or after', async () => {
    const { queue } = makeQueue()
    queue.push(batch(1, 1))
    expect((await queue.next())?.revision).toBe('1')
    const waiting = queue.next()
    queue.push(batch(2, 1))
    queue.push(batch(3, 1))
    expect((await waiting)?.revision).toBe('2')
    expect((await queue.next())?.revision).toBe('3')
  })

  it('keeps only the newest of several news that nothing happened', async () => {
    const { queue } = makeQueue()
    queue.push(batch(1, 1))
    for (const revision of [1, 2, 3]) queue.push(batch(revision, 0))
    queue.push(batch(4, 1))
    queue.end(null)
    expect((await queue.next())?.revision).toBe('1')
    expect((await queue.next())?.revision).toBe('4')
    expect(await queue.next()).toBeNull()
  })

  it('says once when it is full and once when it is half empty', async () => {
    const { queue, changes } = makeQueue()
    for (let revision = 1; revision <= 12; revision += 1) queue.push(batch(revision, 100))
    expect(changes).toEqual([true])
    expect(queue.isFull).toBe(true)
    for (let taken = 0; taken < 7; taken += 1) await queue.next()
    expect(changes).toEqual([true, false])
    expect(queue.isFull).toBe(false)
  })

  it('is full of few events when they are large', async () => {
    const { queue, changes } = makeQueue()
    const large = { ...event, kv: { ...event.kv, value: new Uint8Array(600_000) } }
    queue.push({ revision: '1', events: [large] })
    expect(changes).toEqual([])
    queue.push({ revision: '2', events: [large] })
    expect(changes).toEqual([true])
    await queue.next()
    await queue.next()
    expect(changes).toEqual([true, false])
  })

  it('delivers what it holds before it throws', async () => {
    const { queue } = makeQueue()
    queue.push(batch(1, 1))
    queue.end(new Error('gone'))
    queue.push(batch(2, 1))
    expect((await queue.next())?.revision).toBe('1')
    await expect(queue.next()).rejects.toThrow('gone')
    await expect(queue.next()).rejects.toThrow('gone')
  })

  it('wakes a consumer that waits when it ends', async () => {
    const { queue } = makeQueue()
    const waiting = queue.next()
    queue.end(null)
    expect(await waiting).toBeNull()
  })
})
