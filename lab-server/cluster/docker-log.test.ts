import { expect, test } from 'vitest'
import { readDockerLog } from './docker-log.ts'

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(stream, 0)
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

test('lines of both streams, in the order in which they ended', () => {
  const log = Buffer.concat([
    frame(2, 'one\n'),
    frame(1, 'two, '),
    frame(2, 'three\nfour\n'),
    frame(1, 'at last: 二\n'),
    frame(2, 'unfinished'),
  ])
  expect(readDockerLog(log)).toEqual(['one', 'three', 'four', 'two, at last: 二', 'unfinished'])
})

test('no log, and one that is cut within a header', () => {
  expect(readDockerLog(Buffer.alloc(0))).toEqual([])
  expect(readDockerLog(Buffer.concat([frame(1, 'a\n'), Buffer.alloc(3)]))).toEqual(['a'])
})
