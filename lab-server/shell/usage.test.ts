import { describe, expect, test } from 'vitest'
import { allCommands } from './command-table.ts'
import { displayWidth } from './display-width.ts'
import { en } from './messages/en.ts'
import { zhCn } from './messages/zh-cn.ts'
import { describeList, helpPage } from './usage.ts'

describe('describeList', () => {
  const rows = [
    ['help', 'all commands'],
    ['help register', 'options and examples of register'],
  ] as const

  test('aligns the words', () => {
    expect(describeList(rows, 80)).toEqual([
      '  help           all commands',
      '  help register  options and examples of register',
    ])
  })

  test('goes on under the words where the terminal ends', () => {
    expect(describeList(rows, 40)).toEqual([
      '  help           all commands',
      '  help register  options and examples of',
      '                 register',
    ])
  })

  test('puts the words below the names, further in, where the terminal is narrow', () => {
    expect(describeList(rows, 30)).toEqual([
      '  help',
      '      all commands',
      '  help register',
      '      options and examples of',
      '      register',
    ])
  })
})

describe('helpPage', () => {
  const pages = allCommands().flatMap((command) =>
    [en, zhCn].map((m) => ({ name: command.name, title: m.help.title, command, m })),
  )

  test.each(pages)('of $name fits 44 columns, examples apart ($title)', ({ command, m }) => {
    const lines = helpPage(command, m, { columns: 44, program: null })
    const listed = lines.slice(lines.indexOf(m.help.examples) + 1)
    const ends = listed.indexOf('')
    const examples = ends === -1 ? listed : listed.slice(0, ends)
    const starts = examples.filter((line) => /^ {2}\S/.test(line))
    expect(starts).toHaveLength(command.examples.length)
    starts.forEach((line, index) => expect(line).toContain(command.examples[index]))
    const others = examples.filter((line) => !starts.includes(line))
    expect(others.filter((line) => !line.startsWith(' '.repeat(6)))).toEqual([])
    for (const line of others) expect(displayWidth(line)).toBeLessThanOrEqual(44)
  })
})
