import { describe, expect, test } from 'vitest'
import { LabError, type Locale } from '../../protocol/index.ts'
import { createLogger } from '../logger.ts'
import { createShell, type Shell } from './shell.ts'

/** Nothing but the shell itself: no cluster, no registry, no lab. */
function bareShell(log: string[] = []): Shell {
  return createShell({
    driver: null,
    monitor: null,
    registry: null,
    naive: null,
    inspector: null,
    providers: null,
    etcdctl: null,
    program: null,
    versions: { lab: '0.1.0', etcd: { version: '3.5.30', floor: '3.5.33', outdated: true } },
    logger: createLogger({ level: 'debug', format: 'json', write: (line) => void log.push(line) }),
  })
}

async function run(line: string, locale: Locale = 'en', signal = new AbortController().signal) {
  const text = { out: '', err: '' }
  const collect = (name: 'out' | 'err') => (piece: string) => {
    text[name] += piece
    return Promise.resolve()
  }
  const result = await bareShell().run(line, {
    locale,
    columns: 80,
    signal,
    out: collect('out'),
    err: collect('err'),
    clear: () => undefined,
  })
  return { ...result, ...text }
}

describe('a line', () => {
  test('that is blank or a comment does nothing and succeeds', async () => {
    expect(await run('   ')).toEqual({ code: 0, error: null, out: '', err: '' })
    expect(await run('# hello')).toEqual({ code: 0, error: null, out: '', err: '' })
  })

  test('with an unknown command ends with 127, the nearest one and a word on shells', async () => {
    const result = await run('verison')
    expect(result).toMatchObject({ code: 127, out: '' })
    expect(result.error?.code).toBe('UNKNOWN_COMMAND')
    expect(result.err).toContain('There is no command "verison". Did you mean version?')
    expect(result.err).toContain('no system shell')
  })

  test('with an unknown command in Chinese is answered in Chinese', async () => {
    const { err } = await run('verison', 'zh-CN')
    expect(err).toContain('没有命令“verison”。是不是 version？')
  })

  test.each(['constructor', '__proto__', 'toString'])('%s is an unknown command', async (line) => {
    expect((await run(line)).code).toBe(127)
  })

  test('of misuse ends with 2 and shows usage, an example and where to read more', async () => {
    const result = await run('help a b')
    expect(result).toMatchObject({ code: 2, out: '' })
    expect(result.err).toContain('"b" is one argument too many')
    expect(result.err).toContain('Usage: help [<command>]')
    expect(result.err).toContain('Example: help')
    expect(result.err).toContain('More: help help')
  })

  test('of shell syntax ends with 2', async () => {
    const result = await run('version | cat')
    expect(result).toMatchObject({ code: 2, out: '' })
    expect(result.error).toMatchObject({ code: 'UNSUPPORTED_SYNTAX' })
    expect(result.err).toContain('"|" at column 9')
  })

  test('that is huge or binary ends with 2 and harms nobody', async () => {
    expect((await run('a'.repeat(1_000_000))).code).toBe(2)
    expect((await run('\u0000\u001b[2J\ud800')).code).toBe(2)
  })

  test('that is already interrupted ends with 130', async () => {
    const { code, error } = await run('version', 'en', AbortSignal.abort())
    expect(code).toBe(130)
    expect(error?.code).toBe('INTERRUPTED')
  })

  test('that is ended by the lab carries the lab’s reason', async () => {
    const reason = new LabError('LAB_ENDED', 'The lab has ended')
    const { code, error } = await run('version', 'en', AbortSignal.abort(reason))
    expect(code).toBe(1)
    expect(error).toBe(reason)
  })
})

describe('what is missing here', () => {
  test('is absent from help and completion, not broken', async () => {
    const { out } = await run('help')
    expect(out).toContain('version')
    for (const absent of ['kill', 'register', 'provider', 'call', 'etcdctl', 'clear']) {
      expect(out).not.toContain(`  ${absent} `)
    }
    const { candidates } = await bareShell().complete('', 0, 'en')
    expect(candidates.map((one) => one.value)).toEqual(['version', 'help'])
    expect((await run('kill leader')).code).toBe(127)
  })
})

describe('help', () => {
  test('of one command shows usage and examples, by help and by --help', async () => {
    const page = await run('help version')
    expect(page.out).toContain('Usage: version')
    expect(page.out).toContain('Examples')
    expect((await run('version --help')).out).toBe(page.out)
    expect((await run('version -h')).out).toBe(page.out)
  })

  test('of an unknown command suggests the nearest', async () => {
    expect((await run('help verson')).code).toBe(127)
  })
})

describe('version', () => {
  test('shows what runs and that it is older than the security floor', async () => {
    const { out } = await run('version')
    expect(out).toMatch(/etcd +3\.5\.30/)
    expect(out).toContain('older than 3.5.33')
    expect((await run('version', 'zh-CN')).out).toContain('早于 3.5.33')
  })
})

describe('an unexpected error', () => {
  test('is logged with its stack and becomes INTERNAL for the reader', async () => {
    const log: string[] = []
    let err = ''
    const result = await bareShell(log).run('version', {
      locale: 'en',
      columns: 80,
      signal: new AbortController().signal,
      out: () => {
        throw new TypeError('the terminal is gone')
      },
      err: (text) => {
        err += text
        return Promise.resolve()
      },
      clear: () => undefined,
    })
    expect(result).toMatchObject({ code: 1, error: { code: 'INTERNAL' } })
    expect(err).not.toContain('the terminal is gone')
    expect(log.join('')).toContain('shell.test.ts')
  })
})

describe('completion', () => {
  const values = async (line: string, cursor = line.length) => {
    const { from, candidates } = await bareShell().complete(line, cursor, 'en')
    return { from, values: candidates.map((one) => one.value) }
  }

  test('offers what fits before the cursor', async () => {
    expect(await values('ve')).toEqual({ from: 0, values: ['version'] })
    expect(await values('versionXYZ', 2)).toEqual({ from: 0, values: ['version'] })
    expect(await values('help v')).toEqual({ from: 5, values: ['version'] })
    expect(await values('help ')).toEqual({ from: 5, values: ['version', 'help'] })
    expect(await values('help "v')).toEqual({ from: 5, values: ['version'] })
  })

  test.each(['nonsense ', 'version ', 'a | b', '\u0000', 'help version '])(
    'offers nothing for %j',
    async (line) => {
      expect((await values(line)).values).toEqual([])
    },
  )

  test('survives a cursor outside the line', async () => {
    expect((await values('ve', 99)).values).toEqual(['version'])
  })
})
