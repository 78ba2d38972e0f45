import { describe, expect, test } from 'vitest'
import { allCommands } from '../shell/command-table.ts'
import { readInvocation } from './global-options.ts'

function read(...argv: string[]) {
  const { values, words, problem } = readInvocation(argv, allCommands())
  return { values: Object.fromEntries(values), words, problem: problem?.message ?? null }
}

describe('readInvocation', () => {
  test('takes options before the command and after it', () => {
    const expected = { values: { output: 'json', lang: 'zh-CN' }, words: ['discover', 'S'] }
    expect(read('--output', 'json', '--lang=zh-cn', 'discover', 'S')).toMatchObject(expected)
    expect(read('discover', '--output=json', 'S', '--lang', 'ZH-CN')).toMatchObject(expected)
  })

  test('leaves to a command what it declares itself, and its flags', () => {
    const words = ['discover', 'S', '--version', '2.0', '--help']
    expect(read(...words)).toEqual({ values: {}, words, problem: null })
    expect(read('--version')).toMatchObject({ values: { version: '' }, words: [] })
    expect(read('-h', 'discover')).toMatchObject({ values: { help: '' }, words: ['discover'] })
  })

  test('leaves everything after -- alone', () => {
    expect(read('discover', '--', '--output')).toMatchObject({
      values: {},
      words: ['discover', '--', '--output'],
    })
    expect(read('--', 'discover')).toMatchObject({ words: ['discover'] })
  })

  test('keeps what it has read before the first problem', () => {
    expect(read('--output', 'json', '--ouput', 'x')).toMatchObject({
      values: { output: 'json' },
      problem: 'There is no option --ouput before a command. Did you mean --output?',
    })
  })

  test.each([
    [['--output'], '--output needs a value'],
    [['--output', '--lang'], '--output needs a value'],
    [['--output', 'yaml'], '--output is "yaml", expected one of: text, json.'],
    [['--lang', 'en', '--lang', 'en'], '--lang is given twice.'],
    [['--help=yes'], '--help takes no value.'],
    [['-x'], 'There is no option -x before a command.'],
  ])('refuses %j', (argv, words) => {
    expect(read(...argv).problem).toContain(words)
  })
})
