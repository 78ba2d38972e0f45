import { describe, expect, it } from 'vitest'
import { hexadecimalId, prefixEnd, toBuffer, toKeyRange } from './wire.ts'

describe('prefixEnd', () => {
  it.each([
    [[0x61], [0x62]],
    [[0x61, 0xff], [0x62]],
    [
      [0x61, 0xff, 0x00],
      [0x61, 0xff, 0x01],
    ],
    [[0xff, 0xff], [0x00]],
  ])('of %j is %j', (prefix, end) => {
    expect([...prefixEnd(Uint8Array.from(prefix))]).toEqual(end)
  })
})

describe('toKeyRange', () => {
  it('turns the empty prefix into every key', () => {
    expect(toKeyRange({ prefix: '' })).toEqual({ key: Buffer.of(0), range_end: Buffer.of(0) })
  })

  it('leaves one key without an end', () => {
    expect(toKeyRange({ key: 'a' })).toEqual({ key: Buffer.from('a') })
  })

  it('takes a range as it is', () => {
    expect(toKeyRange({ from: 'a', to: 'c' })).toEqual({
      key: Buffer.from('a'),
      range_end: Buffer.from('c'),
    })
  })
})

describe('toBuffer', () => {
  it('sees only the part of the memory that a view shows', () => {
    const memory = Uint8Array.of(1, 2, 3, 4)
    expect([...toBuffer(memory.subarray(1, 3))]).toEqual([2, 3])
  })
})

describe('hexadecimalId', () => {
  it('prints ids above 2^53 as etcdctl does', () => {
    expect(hexadecimalId('9572670325615579089')).toBe('84d8f4f1663d4fd1')
  })
})
