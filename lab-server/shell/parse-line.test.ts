import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LabError, limits } from '../../protocol/index.ts'
import { parseLine, quoteWord, splitLine } from './parse-line.ts'

function refusal(line: string): LabError {
  try {
    parseLine(line)
  } catch (error) {
    if (error instanceof LabError) return error
    throw error
  }
  throw new Error(`accepted: ${line}`)
}

describe('words', () => {
  test.each([
    ['', []],
    ['   \t ', []],
    ['register UserService 127.0.0.1:8080', ['register', 'UserService', '127.0.0.1:8080']],
    [`put k 'a "b" c'`, ['put', 'k', 'a "b" c']],
    [`put k "it's"`, ['put', 'k', "it's"]],
    [`put k "a\\"b\\\\c\\d"`, ['put', 'k', 'a"b\\c\\d']],
    [`put k a\\ b`, ['put', 'k', 'a b']],
    [`put k \\|\\;\\$HOME`, ['put', 'k', '|;$HOME']],
    [`del "" --from-key`, ['del', '', '--from-key']],
    [`a'b'"c"d`, ['abcd']],
    ['price 5$ $', ['price', '5$', '$']],
    ['get * [a] {b} ~ !', ['get', '*', '[a]', '{b}', '~', '!']],
    ['cluster # who leads?', ['cluster']],
    ['put k a#b', ['put', 'k', 'a#b']],
    [`# a comment | with ; anything`, []],
    [`put k '$(reboot) | a > b && c'`, ['put', 'k', '$(reboot) | a > b && c']],
    [`put 键 值👩‍👩‍👧`, ['put', '键', '值👩‍👩‍👧']],
    [`put k '你好，世界：“好”'`, ['put', 'k', '你好，世界：“好”']],
    ['put k \\😀', ['put', 'k', '😀']],
  ])('%j reads as a POSIX shell reads it', (line, words) => {
    expect(parseLine(line)).toEqual(words)
  })

  test('a word knows where it stood, quotes included', () => {
    expect(splitLine(`put 'a b' c`).words).toEqual([
      { value: 'put', from: 0, to: 3 },
      { value: 'a b', from: 4, to: 9 },
      { value: 'c', from: 10, to: 11 },
    ])
  })

  test('an open quote keeps what was typed so far', () => {
    const { words, problem } = splitLine(`discover "User`)
    expect(words.at(-1)).toEqual({ value: 'User', from: 9, to: 14 })
    expect(problem).toMatchObject({ kind: 'unterminated', symbol: '"', column: 10 })
  })
})

describe('what only a shell could do', () => {
  test.each([
    ['services | grep User', '|', 10],
    ['services || cluster', '||', 10],
    ['services > /etc/passwd', '>', 10],
    ['services >> x', '>>', 10],
    ['put k < file', '<', 7],
    ['put k << EOF', '<<', 7],
    ['a; b', ';', 2],
    ['a & b', '&', 3],
    ['a && b', '&&', 3],
    ['echo $(id)', '$(', 6],
    ['echo ${HOME}', '${', 6],
    ['echo $HOME', '$HOME', 6],
    ['echo $1', '$1', 6],
    ['echo $?', '$?', 6],
    ['echo $$', '$$', 6],
    ['echo `id`', '`', 6],
    ['(a)', '(', 1],
    ['a )', ')', 3],
    ['echo "$HOME"', '$HOME', 7],
    ['echo "x $(id)"', '$(', 9],
    ['echo "`id`"', '`', 7],
    ['put 键 | x', '|', 7],
    ['put 😀 | x', '|', 7],
    ['ETCDCTL_API=3 etcdctl get x', 'ETCDCTL_API=', 1],
  ])('%j is refused, naming the symbol and its column', (line, symbol, column) => {
    const error = refusal(line)
    expect(error.code).toBe('UNSUPPORTED_SYNTAX')
    expect(error.details).toEqual({ symbol, column })
    expect(error.message).toContain('no shell behind this terminal')
    expect(error.message).toContain(`column ${String(column)}`)
  })
})

describe('lines that cannot be read', () => {
  test.each([
    [`a 'b`, "'", 3],
    [`a "b`, '"', 3],
    [`a "b\\"`, '"', 3],
    ['a \\', '\\', 3],
  ])('%j is not closed', (line, symbol, column) => {
    expect(refusal(line)).toMatchObject({ code: 'USAGE', details: { symbol, column } })
  })

  test.each([
    ['a\u0000b', 'U+0000'],
    ['a\nb', 'U+000A'],
    ['a\rb', 'U+000D'],
    ['a\u001b[31m', 'U+001B'],
    ['a\u007f', 'U+007F'],
    ['a\u009bb', 'U+009B'],
    ['a\u202eb', 'U+202E'],
    ['a\u200bb', 'U+200B'],
    [`put k 'a\u0007'`, 'U+0007'],
    ['a\ud800b', 'U+D800'],
  ])('%j holds a character nobody sees, and the error names it', (line, name) => {
    expect(refusal(line)).toMatchObject({ code: 'USAGE', details: { symbol: name } })
  })

  test.each([
    ['register UserService 127.0.0.1：8080', '：', ':', 31],
    ['register UserService 127。0.0.1:8080', '。', '.', 25],
    ['put k “v”', '“', '"', 7],
    ['put a，b', '，', ',', 6],
    ['services ｜ x', '｜', '|', 10],
    ['logs etcd1 －n 5', '－', '-', 12],
  ])('%j was typed with a Chinese input method', (line, symbol, expected, column) => {
    const error = refusal(line)
    expect(error).toMatchObject({ code: 'USAGE', details: { symbol, column } })
    expect(error.message).toContain(`"${expected}" is expected`)
  })

  test('an ideographic or no-break space is not a blank, and the error says so', () => {
    expect(refusal('discover\u3000UserService').message).toContain('not an ordinary space')
    expect(refusal('discover\u00a0UserService').message).toContain('not an ordinary space')
  })

  test('a line one character too long is refused, one at the limit is not', () => {
    expect(refusal('x'.repeat(limits.lineLength + 1)).code).toBe('LINE_TOO_LONG')
    expect(parseLine('x'.repeat(limits.lineLength))).toHaveLength(1)
    expect(refusal('x'.repeat(1_000_000)).code).toBe('LINE_TOO_LONG')
  })
})

describe('for any input', () => {
  const anyLine = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({
      unit: fc.constantFrom(...Array.from(`ab '"\\$|;&<>()\`#=：\t\u0007键😀`)),
      maxLength: 60,
    }),
  )

  test('parsing gives words or a LabError of a known code, and nothing else', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        try {
          for (const word of parseLine(line)) expect(typeof word).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(LabError)
          expect(['USAGE', 'UNSUPPORTED_SYNTAX']).toContain((error as LabError).code)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('words stand in order, inside the line, without overlap', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        let at = 0
        for (const word of splitLine(line).words) {
          expect(word.from).toBeGreaterThanOrEqual(at)
          expect(word.to).toBeGreaterThan(word.from)
          expect(word.to).toBeLessThanOrEqual(line.length)
          at = word.to
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('quoted words come back as they were', () => {
    const visible = fc
      .string({ unit: 'grapheme', maxLength: 30 })
      .filter((word) => splitLine(`'${word.replaceAll("'", '')}'`).problem === null)
    fc.assert(
      fc.property(fc.array(visible, { minLength: 1, maxLength: 6 }), (words) => {
        expect(parseLine(words.map(quoteWord).join(' '))).toEqual(words)
      }),
      { numRuns: 1000 },
    )
  })
})
