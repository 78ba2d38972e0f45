import { describe, expect, test } from 'vitest'
import { errorCodes, type Locale } from '../../../protocol/index.ts'
import { allCommands } from '../command-table.ts'
import { commandText } from '../command.ts'
import { refusedFlags, refusedSubcommands, stdinSubcommands } from '../etcdctl/policy.ts'
import { usageLine } from '../usage.ts'
import { messagesFor } from './messages.ts'

const locales: readonly Locale[] = ['en', 'zh-CN']

/** Every text of a catalogue with its path; functions are listed, not called. */
function paths(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}:${typeof value}`]
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, `${path}.${key}`))
}

describe.each(locales)('the catalogue in %s', (locale) => {
  const m = messagesFor(locale)

  test.each(allCommands().map((command) => [command.name, command] as const))(
    'says everything that %s declares, and nothing else',
    (_name, command) => {
      const text = commandText(command, m)
      expect(text.summary).not.toBe('')
      expect(text.summary).not.toMatch(/[.。]$/)
      expect(text.examples).toHaveLength(command.examples.length)
      expect(Object.keys(text.options).sort()).toEqual(
        command.options.map((option) => option.name).sort(),
      )
      expect(Object.keys(text.positionals).sort()).toEqual(
        command.positionals.map((positional) => positional.name).sort(),
      )
      for (const example of command.examples) {
        expect(example.split(' ')[0]).toBe(command.name)
      }
      expect(usageLine(command).startsWith(command.name)).toBe(true)
    },
  )

  test('has a reason for everything the etcdctl policy refuses', () => {
    const reasons = [...Object.values(refusedFlags), ...Object.values(refusedSubcommands)]
    for (const reason of reasons) expect(m.etcdctl.refused[reason]).not.toBe('')
    for (const reason of Object.values(stdinSubcommands)) {
      expect(m.etcdctl.stdin[reason]).not.toBe('')
    }
  })

  test('knows only error codes that exist', () => {
    for (const code of Object.keys(m.errors)) expect(errorCodes).toContain(code)
  })
})

test('both catalogues have the same texts', () => {
  const withoutErrors = (locale: Locale) =>
    paths({ ...messagesFor(locale), errors: {} })
      .filter((path) => !path.includes('.about.'))
      .sort()
  expect(withoutErrors('zh-CN')).toEqual(withoutErrors('en'))
})

test('no English sentence is left in the Chinese catalogue', () => {
  const chinese = JSON.stringify(messagesFor('zh-CN').commands)
  const texts = chinese.match(/"summary":"[^"]*"/g) ?? []
  expect(texts.length).toBe(allCommands().length)
  for (const text of texts) expect(text).toMatch(/[\u4e00-\u9fff]/)
})

test('names and aliases of commands are unique', () => {
  const names = allCommands().flatMap((command) => [command.name, ...command.aliases])
  expect(new Set(names).size).toBe(names.length)
})
