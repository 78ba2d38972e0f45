import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LabError } from '../protocol/index.ts'
import { checkSettings, listSettings, readConfig } from './config.ts'

let dir = ''
let programs = ''

beforeAll(() => {
  dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'config-')))
  programs = path.join(dir, 'bin')
  mkdirSync(programs)
  for (const name of ['etcd', 'etcdctl']) {
    writeFileSync(path.join(programs, name), '#!/bin/sh\n')
    chmodSync(path.join(programs, name), 0o755)
  }
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof LabError && error.code === 'CONFIG') return error.message
    throw error
  }
  throw new Error('The configuration was accepted')
}

describe('readConfig', () => {
  test('needs nothing but etcd, and binds loopback by default', () => {
    expect(readConfig({ LAB_ETCD_DIR: programs })).toMatchObject({
      host: '127.0.0.1',
      port: 4379,
      basePath: '/',
      publicUrl: null,
      allowedOrigins: [],
      labMax: null,
      idleMs: 30 * 60_000,
      etcdPath: path.join(programs, 'etcd'),
      etcdctlPath: path.join(programs, 'etcdctl'),
      logLevel: 'info',
      exitWithParent: false,
    })
  })

  test('takes an empty variable as not set', () => {
    expect(readConfig({ LAB_ETCD_DIR: programs, PORT: '', HOST: ' ' })).toMatchObject({
      host: '127.0.0.1',
      port: 4379,
    })
  })

  test.each([
    ['/', '/'],
    ['lab', '/lab/'],
    ['/lab', '/lab/'],
    ['//lab//x/', '/lab/x/'],
  ])('reads the base path %s as %s', (given, expected) => {
    expect(readConfig({ LAB_ETCD_DIR: programs, BASE_PATH: given }).basePath).toBe(expected)
  })

  test.each([
    [{}, { kind: 'own' }],
    [{ LAB_DRIVER: 'compose' }, { kind: 'compose', project: 'ming-registry-lab' }],
    [
      { LAB_DRIVER: 'compose', COMPOSE_PROJECT_NAME: 'p' },
      { kind: 'compose', project: 'p' },
    ],
    [
      { LAB_DRIVER: 'compose', LAB_ENDPOINTS: 'http://a:2379/, http://b:1' },
      { kind: 'endpoints', endpoints: ['http://a:2379', 'http://b:1'] },
    ],
  ])('with %j the members are %j', (env, cluster) => {
    expect(readConfig({ LAB_ETCD_DIR: programs, ...env }).cluster).toEqual(cluster)
  })

  test('keeps only the origin of each allowed origin', () => {
    const env = {
      LAB_ETCD_DIR: programs,
      ALLOWED_ORIGINS: 'http://localhost:4321, https://a.example/',
    }
    expect(readConfig(env).allowedOrigins).toEqual(['http://localhost:4321', 'https://a.example'])
  })

  test('reports every problem at once, with what was given, what was expected and a hint', () => {
    expect(problemsOf({ PORT: '99999', LAB_MAX: 'many', LOG_LEVEL: 'loud' })).toBe(
      [
        '4 settings are wrong:',
        '  PORT: "99999"',
        '    expected a number from 0 to 65535, e.g. 8080',
        '  LAB_MAX: "many"',
        '    expected a whole number from 1 to 9999, e.g. 20',
        '  LAB_ETCD_DIR: not set',
        '    expected a directory with the executable programs etcd and etcdctl, e.g. /usr/local/bin',
        '    `npm start` finds or downloads etcd and sets this by itself.',
        '  LOG_LEVEL: "loud"',
        '    expected debug, info, warn, error or silent, e.g. debug',
      ].join('\n'),
    )
  })

  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['HOST', 'a b'],
    ['BASE_PATH', '/../x/'],
    ['BASE_PATH', '/a b/'],
    ['PUBLIC_URL', 'lab.example.com'],
    ['PUBLIC_URL', 'https://user@lab.example.com/'],
    ['ALLOWED_ORIGINS', 'http://a.example/path'],
    ['LAB_DRIVER', 'podman'],
    ['LAB_ENDPOINTS', '127.0.0.1:2379'],
    ['LAB_ENDPOINTS', 'https://127.0.0.1:2379'],
    ['LAB_ENDPOINTS', 'http://a:2379,http://a:2379'],
    ['COMPOSE_PROJECT_NAME', 'Upper'],
    ['LAB_MAX', '0'],
    ['LAB_IDLE_MINUTES', '0'],
    ['LAB_DATA_DIR', '/does/not/exist'],
    ['SITE_DIR', '/does/not/exist'],
    ['LOG_FORMAT', 'xml'],
    ['LAB_EXIT_WITH_PARENT', 'maybe'],
  ])('refuses %s=%s', (name, value) => {
    expect(problemsOf({ LAB_ETCD_DIR: programs, [name]: value })).toContain(
      `  ${name}: ${JSON.stringify(value)}`,
    )
  })

  test('refuses a data directory that is too long for sockets, and one that etcd cannot take', () => {
    const long = path.join(dir, 'x'.repeat(60))
    const spaced = path.join(dir, 'a b')
    mkdirSync(long)
    mkdirSync(spaced)
    expect(problemsOf({ LAB_ETCD_DIR: programs, LAB_DATA_DIR: long })).toContain('LAB_DATA_DIR')
    expect(problemsOf({ LAB_ETCD_DIR: programs, LAB_DATA_DIR: spaced })).toContain('LAB_DATA_DIR')
  })

  test('refuses an etcd directory whose programs cannot be executed', () => {
    const empty = path.join(dir, 'plain')
    mkdirSync(empty)
    for (const name of ['etcd', 'etcdctl']) writeFileSync(path.join(empty, name), '')
    expect(problemsOf({ LAB_ETCD_DIR: empty })).toContain('LAB_ETCD_DIR')
  })
})

describe('listSettings', () => {
  test('documents every setting with an example that is accepted', () => {
    const settings = listSettings()
    expect(settings.map((setting) => setting.name)).toEqual([
      'HOST',
      'PORT',
      'BASE_PATH',
      'PUBLIC_URL',
      'ALLOWED_ORIGINS',
      'LAB_DRIVER',
      'LAB_ENDPOINTS',
      'COMPOSE_PROJECT_NAME',
      'LAB_MAX',
      'LAB_IDLE_MINUTES',
      'LAB_DATA_DIR',
      'LAB_ETCD_DIR',
      'SITE_DIR',
      'LOG_LEVEL',
      'LOG_FORMAT',
      'LAB_EXIT_WITH_PARENT',
    ])
    // Directories of the examples need not exist on this machine.
    const examples = settings.filter(({ name }) => !name.endsWith('_DIR'))
    const env = Object.fromEntries(examples.map(({ name, example }) => [name, example]))
    expect(() => readConfig({ ...env, LAB_ETCD_DIR: programs })).not.toThrow()
  })
})

describe('checkSettings', () => {
  test('takes an environment in which etcd has not been found yet', async () => {
    await expect(checkSettings({ PORT: '8080', HOST: 'localhost' })).resolves.toBeUndefined()
  })

  test('reports a host name without an address together with the other problems', async () => {
    const checked = checkSettings({ HOST: 'nohost.invalid', PUBLIC_URL: 'foo', PORT: '99999' })
    await expect(checked).rejects.toThrow(/^3 settings are wrong:[^]*HOST[^]*PORT[^]*PUBLIC_URL/)
  })
})
