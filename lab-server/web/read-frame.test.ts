import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits, protocolVersion } from '../../protocol/index.ts'
import { readFrame } from './read-frame.ts'

const read = (value: unknown) => readFrame(Buffer.from(JSON.stringify(value)), false)

test('reads a message', () => {
  expect(read({ type: 'ping', id: 1 })).toEqual({ ok: true, message: { type: 'ping', id: 1 } })
})

test('names the place of the mistake and keeps the id', () => {
  const frame = read({
    type: 'terminal.run',
    id: 4,
    terminal: 't',
    line: 1,
    locale: 'en',
    columns: 80,
  })
  expect(frame).toMatchObject({ ok: false, id: 4, error: { code: 'BAD_FRAME' } })
  expect(frame).toHaveProperty('error.message', expect.stringContaining('at line'))
})

test('recognises the hello of another version, whatever its other fields', () => {
  const today = { type: 'hello', id: 1, protocol: protocolVersion, token: null, locale: 'en' }
  expect(read(today).ok).toBe(true)
  for (const other of [
    { ...today, protocol: protocolVersion + 1 },
    { ...today, protocol: '2', brandNew: true },
    { type: 'hello', id: 1 },
  ]) {
    expect(read(other)).toMatchObject({ ok: false, id: 1, error: { code: 'PROTOCOL_VERSION' } })
  }
})

test('refuses binary frames and frames above the limit', () => {
  expect(readFrame(Buffer.from('{}'), true)).toMatchObject({ error: { code: 'BAD_FRAME' } })
  expect(readFrame(Buffer.alloc(limits.frameBytes + 1, 'x'), false)).toMatchObject({
    error: { code: 'FRAME_TOO_LARGE', details: { max: limits.frameBytes } },
  })
})

test('never throws, whatever comes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isBinary) => {
      expect(readFrame(Buffer.from(bytes), isBinary).ok).toBe(false)
    }),
  )
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(readFrame(Buffer.from(json), false).ok).toBe(false)
    }),
  )
})
