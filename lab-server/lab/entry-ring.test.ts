import { expect, test } from 'vitest'
import { createEntryRing } from './entry-ring.ts'

const output = (text: string) => ({ kind: 'output', stream: 'stdout', text }) as const
const roomy = { bytes: 1_000_000, entries: 1000 }
const seqs = (entries: readonly { readonly seq: number }[]) => entries.map(({ seq }) => seq)

test('numbers entries from 1 without holes', () => {
  const ring = createEntryRing(roomy)
  for (const text of ['a', 'b', 'c']) ring.append(output(text))
  expect(seqs(ring.after(0, roomy.bytes))).toEqual([1, 2, 3])
  expect([ring.firstSeq(), ring.lastSeq()]).toEqual([1, 3])
})

test('an empty ring would begin with 1', () => {
  const ring = createEntryRing(roomy)
  expect([ring.firstSeq(), ring.lastSeq()]).toEqual([1, 0])
  expect(ring.after(0, 1000)).toEqual([])
})

test('returns exactly what is newer', () => {
  const ring = createEntryRing(roomy)
  for (const text of ['a', 'b', 'c']) ring.append(output(text))
  expect(seqs(ring.after(2, roomy.bytes))).toEqual([3])
  expect(ring.after(3, roomy.bytes)).toEqual([])
  expect(ring.after(99, roomy.bytes)).toEqual([])
})

test('drops the oldest when there are too many entries, and goes on counting', () => {
  const ring = createEntryRing({ bytes: 1_000_000, entries: 2 })
  for (const text of ['a', 'b', 'c']) ring.append(output(text))
  expect(seqs(ring.after(0, 1_000_000))).toEqual([2, 3])
  expect(ring.firstSeq()).toBe(2)
})

test('drops the oldest when there are too many bytes, but keeps the newest whatever its size', () => {
  const ring = createEntryRing({ bytes: 1000, entries: 100 })
  ring.append(output('a'.repeat(500)))
  ring.append(output('b'.repeat(500)))
  expect(seqs(ring.after(0, 1_000_000))).toEqual([2])
  ring.append(output('c'.repeat(5000)))
  expect(seqs(ring.after(0, 1_000_000))).toEqual([3])
})

test('counts bytes, not characters', () => {
  const ring = createEntryRing({ bytes: 1000, entries: 100 })
  ring.append(output('中'.repeat(200)))
  ring.append(output('中'.repeat(200)))
  expect(ring.firstSeq()).toBe(2)
})

test('hands out as much as asked for, at least one entry', () => {
  const ring = createEntryRing(roomy)
  for (const text of ['a', 'b', 'c']) ring.append(output(text.repeat(1000)))
  expect(seqs(ring.after(0, 1))).toEqual([1])
  expect(seqs(ring.after(1, 2500))).toEqual([2, 3])
})

test('clear drops everything before it', () => {
  const ring = createEntryRing(roomy)
  ring.append(output('a'))
  ring.append({ kind: 'clear' })
  ring.append(output('b'))
  expect(seqs(ring.after(0, roomy.bytes))).toEqual([2, 3])
})
