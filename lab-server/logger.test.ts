import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'

function collect(format: 'text' | 'json', level: 'debug' | 'info' | 'warn' | 'silent' = 'info') {
  const lines: string[] = []
  return { lines, logger: createLogger({ format, level, write: (line) => lines.push(line) }) }
}

test('writes one readable line per event, with the inherited facts', () => {
  const { lines, logger } = collect('text')
  logger.with({ lab: '3f2a' }).info('lab ready', { ms: 812 })
  expect(lines).toEqual([
    expect.stringMatching(/^[\d-]+T[\d:.]+Z info lab ready lab=3f2a ms=812\n$/),
  ])
})

test('writes one JSON object per event', () => {
  const { lines, logger } = collect('json')
  logger.warn('odd', { text: 'a\nb' })
  expect(JSON.parse(lines.join(''))).toMatchObject({ level: 'warn', event: 'odd', text: 'a\nb' })
})

test('keeps foreign text on its line and out of control of the terminal', () => {
  const { lines, logger } = collect('text')
  logger.info('odd', { text: 'a\nb\u001b[2J' })
  const bytes = [...Buffer.from(lines.join(''))]
  expect(bytes.filter((byte) => byte < 0x20)).toEqual([0x0a])
})

test('shows errors with their cause', () => {
  const { lines, logger } = collect('json')
  logger.error('failed', { error: new Error('outer', { cause: new Error('inner') }) })
  expect(lines.join('')).toMatch(/outer.*caused by Error: inner/)
})

test('leaves out what is less important than its level', () => {
  const { lines, logger } = collect('text', 'warn')
  logger.info('no')
  logger.warn('yes')
  expect(lines).toHaveLength(1)
})

test('is silent when told to', () => {
  const { lines, logger } = collect('text', 'silent')
  logger.error('no')
  expect(lines).toEqual([])
})
