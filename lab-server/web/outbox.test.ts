import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { serverMessage, type LabState, type ServerMessage } from '../../protocol/index.ts'
import { createEntryRing } from '../lab/entry-ring.ts'
import { Outbox } from './outbox.ts'

/** A network that takes data only when the test lets it. */
function createWire() {
  const sent: { message: ServerMessage; bytes: number; done: () => void }[] = []
  let taken = 0
  return {
    sent,
    messages: () => sent.map(({ message }) => message),
    get bufferedAmount() {
      return sent.slice(taken).reduce((sum, { bytes }) => sum + bytes, 0)
    },
    send(data: string, done: () => void) {
      sent.push({ message: serverMessage.parse(JSON.parse(data)), bytes: data.length, done })
    },
    async take(count = sent.length - taken) {
      const now = sent.slice(taken, taken + count)
      taken += count
      for (const { done } of now) done()
      await nextTurn()
    },
  }
}

const lab = (elapsedMs: number): LabState => ({
  phase: 'starting',
  reason: null,
  error: null,
  progress: { membersUp: 0, membersTotal: 3, leader: null, elapsedMs },
  idleEndsInMs: null,
})

function setUp() {
  const wire = createWire()
  const onSlow = vi.fn()
  return { wire, onSlow, outbox: new Outbox({ wire, onSlow }) }
}

/** A terminal with that many entries of about 10 KB. */
function createTerminal(count: number) {
  const ring = createEntryRing({ bytes: 10_000_000, entries: 1000 })
  const append = () => ring.append({ kind: 'output', stream: 'stdout', text: 'x'.repeat(10_000) })
  for (let index = 0; index < count; index += 1) append()
  return { append, entriesAfter: (seq: number, max: number) => ring.after(seq, max) }
}

function seqsOf(messages: readonly ServerMessage[], terminal: string): number[] {
  return messages.flatMap((message) =>
    message.type === 'entries' && message.terminal === terminal
      ? message.entries.map(({ seq }) => seq)
      : [],
  )
}

test('replies go out at once, before what they cause', async () => {
  const { wire, outbox } = setUp()
  outbox.pushLab(lab(1))
  outbox.reply({ type: 'done', id: 1 })
  expect(wire.messages()).toEqual([{ type: 'done', id: 1 }])
  await nextTurn()
  expect(wire.messages()).toMatchObject([{ type: 'done' }, { type: 'lab' }])
})

test('of several states in one turn only the last is sent', async () => {
  const { wire, outbox } = setUp()
  for (let ms = 1; ms <= 5; ms += 1) outbox.pushLab(lab(ms))
  await nextTurn()
  expect(wire.messages()).toMatchObject([{ lab: { progress: { elapsedMs: 5 } } }])
})

describe('a slow browser', () => {
  test('gets every entry once and in order, as fast as it reads', async () => {
    const { wire, outbox } = setUp()
    const terminal = createTerminal(100)
    outbox.follow('t1', terminal, 0)
    await nextTurn()
    expect(wire.bufferedAmount, 'what the server holds for it').toBeLessThan(300_000)
    const early = wire.sent.length
    terminal.append()
    outbox.wake()
    await nextTurn()
    expect(wire.sent, 'nothing more while nothing is read').toHaveLength(early)
    while (wire.bufferedAmount > 0) await wire.take(1)
    expect(seqsOf(wire.messages(), 't1')).toEqual(Array.from({ length: 101 }, (_, i) => i + 1))
  })

  test('gets only the newest state when it reads again', async () => {
    const { wire, outbox } = setUp()
    outbox.follow('t1', createTerminal(30), 0)
    await nextTurn()
    for (let ms = 1; ms <= 1000; ms += 1) {
      outbox.pushLab(lab(ms))
      await nextTurn()
    }
    while (wire.bufferedAmount > 0) await wire.take()
    const states = wire.messages().filter(({ type }) => type === 'lab')
    expect(states).toMatchObject([{ lab: { progress: { elapsedMs: 1000 } } }])
  })

  test('that asks on and on without reading is given up', () => {
    const { outbox, onSlow } = setUp()
    const candidates = [{ value: 'x'.repeat(10_000), description: '' }]
    for (let id = 0; id < 200; id += 1) {
      outbox.reply({ type: 'completions', id, from: 0, candidates })
    }
    expect(onSlow).toHaveBeenCalledOnce()
  })
})

test('terminals take turns', async () => {
  const { wire, outbox } = setUp()
  outbox.follow('a', createTerminal(50), 0)
  outbox.follow('b', createTerminal(50), 0)
  await nextTurn()
  const terminals = wire.messages().map((message) => message.type === 'entries' && message.terminal)
  expect(terminals.slice(0, 2)).toEqual(['a', 'b'])
})

test('nothing is sent for a terminal that is no longer followed, nor after the end', async () => {
  const { wire, outbox } = setUp()
  outbox.follow('t1', createTerminal(3), 0)
  outbox.unfollow('t1')
  await nextTurn()
  expect(wire.sent).toEqual([])
  outbox.pushLab(lab(1))
  outbox.close()
  outbox.reply({ type: 'done', id: 1 })
  await nextTurn()
  expect(wire.sent).toEqual([])
})
