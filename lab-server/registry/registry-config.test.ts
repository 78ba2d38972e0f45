import { describe, expect, it } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { readRegistryConfig, type RegistrySources } from './registry-config.ts'

function read(sources: RegistrySources) {
  return readRegistryConfig(sources).config
}

function fromFile(text: string, others: RegistrySources = {}) {
  return readRegistryConfig({ ...others, file: { name: 'ming.yaml', text } })
}

function problemsOf(sources: RegistrySources): string[] {
  try {
    readRegistryConfig(sources)
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'CONFIG') throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
  throw new Error('the configuration was accepted')
}

const documentShape = `
rpc:
  name: order
  registry:
    type: etcd
    address: http://localhost:2379
    timeout: 10000
`

const javaShape = `
rpc:
  serverPort: 8080
  registryConfig:
    registry: etcd
    address: http://localhost:2380
    username: ming
    password: secret
    timeout: 3000
`

describe('readRegistryConfig', () => {
  it('needs nothing', () => {
    expect(readRegistryConfig()).toEqual({
      config: {
        type: 'etcd',
        endpoints: ['http://127.0.0.1:2379'],
        credentials: null,
        tls: null,
        ttlSeconds: 30,
        timeoutMs: 10_000,
        snapshotDir: null,
        guardMs: 30_000,
        staleAfterMs: 5000,
      },
      warnings: [],
    })
  })

  it('reads the shape of the documentation', () => {
    expect(fromFile(documentShape).config).toMatchObject({
      type: 'etcd',
      endpoints: ['http://localhost:2379'],
      timeoutMs: 10_000,
    })
  })

  it('reads the shape that the Java side binds, and warns of its port', () => {
    const { config, warnings } = fromFile(javaShape)
    expect(config).toMatchObject({
      endpoints: ['http://localhost:2380'],
      credentials: { username: 'ming', password: 'secret' },
      timeoutMs: 3000,
    })
    expect(warnings).toEqual([
      "localhost:2380: port 2380 is where etcd's members talk to each other. Members up to 3.5 " +
        'answer clients there too; from 3.6 on they do not. Clients belong on 2379.',
    ])
  })

  it('reads the environment, and nothing else of it', () => {
    const env = {
      HOME: '/root',
      MING_REGISTRY_ENDPOINTS: 'a:1, https://b ,[::1]:3',
      MING_REGISTRY_USERNAME: 'ming',
      MING_REGISTRY_PASSWORD: ' with blanks ',
      MING_REGISTRY_CA_FILE: '/ca.pem',
      MING_REGISTRY_CERT_FILE: '/cert.pem',
      MING_REGISTRY_KEY_FILE: '/key.pem',
      MING_REGISTRY_TTL_SECONDS: '15',
      MING_REGISTRY_TIMEOUT_MS: '2500',
      MING_REGISTRY_SNAPSHOT_DIR: '/var/lib/ming',
      MING_REGISTRY_GUARD_MS: '0',
      MING_REGISTRY_STALE_AFTER_MS: '800',
      MING_REGISTRY_TYPE: '',
    }
    expect(read({ env })).toEqual({
      type: 'etcd',
      endpoints: ['https://a:1', 'https://b:2379', 'https://[::1]:3'],
      credentials: { username: 'ming', password: ' with blanks ' },
      tls: { caFile: '/ca.pem', certFile: '/cert.pem', keyFile: '/key.pem' },
      ttlSeconds: 15,
      timeoutMs: 2500,
      snapshotDir: '/var/lib/ming',
      guardMs: 0,
      staleAfterMs: 800,
    })
  })

  it('lets options precede the environment, that the file, and that the defaults', () => {
    const text = `
rpc:
  registry:
    address: file
    timeout: 1
    ttlSeconds: 7
    username: file
    password: file
    snapshotDir: /file
    staleAfterMs: 3
`
    const env = {
      MING_REGISTRY_ENDPOINTS: 'env',
      MING_REGISTRY_TIMEOUT_MS: '2',
      MING_REGISTRY_PASSWORD: 'env',
    }
    const options = { endpoints: ['options'], guardMs: 4 }
    expect(fromFile(text, { env, options }).config).toEqual({
      type: 'etcd',
      endpoints: ['http://options:2379'],
      credentials: { username: 'file', password: 'env' },
      tls: null,
      ttlSeconds: 7,
      timeoutMs: 2,
      snapshotDir: '/file',
      guardMs: 4,
      staleAfterMs: 3,
    })
  })

  it('lets flags precede options, and takes other defaults where nobody says anything', () => {
    const flags = { '--endpoints': 'flags', '--user': 'ming:a:b', '--ca-file': '/ca.pem' }
    const options = { endpoints: 'options', credentials: { username: 'options' } }
    const defaults = { timeoutMs: 9 }
    expect(read({ flags, options, defaults })).toMatchObject({
      endpoints: ['https://flags:2379'],
      credentials: { username: 'ming', password: 'a:b' },
      tls: { caFile: '/ca.pem' },
      timeoutMs: 9,
    })
    expect(read({ flags: { '--timeout': '8' }, defaults }).timeoutMs).toBe(8)
  })

  it('takes the password of a user from elsewhere', () => {
    const flags = { '--user': 'ming' }
    expect(read({ flags, env: { MING_REGISTRY_PASSWORD: 'secret' } }).credentials).toEqual({
      username: 'ming',
      password: 'secret',
    })
    expect(problemsOf({ flags })).toEqual([
      'password: expected a value to go with --user.name, received nothing',
    ])
  })

  it('names a wrong flag as it was typed, and shows no password', () => {
    const flags = { '--endpoints': 'http://a/b', '--timeout': 'soon', '--user': ':' }
    expect(problemsOf({ flags })).toEqual([
      '--endpoints: expected host:port, http://host:port, https://host:port or unix:///path, ' +
        'several separated by commas, received "http://a/b"',
      '--timeout: expected a whole number of milliseconds from 1 to 3600000, received "soon"',
      `--user.name: expected the name of one of the registry's users, received ""`,
      '--user.password: expected a password as text, received a text that is not shown',
    ])
  })

  it('says of each setting what it expects', () => {
    // As plain JavaScript may call it.
    const options: object = {
      credentials: { username: ' ' },
      tls: { caFile: 1, certFile: '', keyFile: ' ' },
      snapshotDir: false,
      guardMs: -1,
    }
    expect(problemsOf({ options })).toMatchInlineSnapshot(`
      [
        "credentials.username: expected the name of one of the registry's users, received " "",
        "tls.caFile: expected the path of a PEM file with the authorities' certificates, received 1",
        "tls.certFile: expected the path of a PEM file with our certificate, received """,
        "tls.keyFile: expected the path of a PEM file with our certificate's private key, received " "",
        "snapshotDir: expected the path of a directory, received false",
        "guardMs: expected a whole number of milliseconds from 0 to 86400000, received -1",
        "password: expected a value to go with credentials.username, received nothing",
      ]
    `)
  })

  it('takes what it has given for options, and gives the same', () => {
    const one = read({
      options: {
        endpoints: 'a,b',
        credentials: { username: 'ming', password: 'secret' },
        tls: { caFile: '/ca.pem' },
        snapshotDir: '/var/lib/ming',
      },
    })
    expect(read({ options: one })).toEqual(one)
    expect(read({ options: read({}) })).toEqual(read({}))
  })

  it.each([
    ['localhost', 'http://localhost:2379'],
    ['http://10.0.0.1:2379/', 'http://10.0.0.1:2379'],
    ['HTTPS://etcd:1', 'https://etcd:1'],
    ['a:1, http://a:1', 'http://a:1'],
    ['https://etcd.example.org', 'https://etcd.example.org:2379'],
    ['[fe80::1]', 'http://[fe80::1]:2379'],
    ['unix:///run/etcd.sock', 'unix:///run/etcd.sock'],
  ])('takes the address %s for %s', (given, expected) => {
    expect(read({ options: { endpoints: given } }).endpoints).toEqual([expected])
  })

  it.each([
    '',
    ' , ',
    'ftp://host:1',
    'host:0',
    'host:65536',
    'host:port',
    'http://host:1/path',
    'http://user@host',
    '::1',
    '[1.2.3.4]:1',
    'unix://relative',
    'good,b ad',
  ])('refuses the address "%s"', (endpoints) => {
    expect(problemsOf({ options: { endpoints } })).toEqual([
      'endpoints: expected host:port, http://host:port, https://host:port or unix:///path, ' +
        `several separated by commas, received ${JSON.stringify(endpoints)}`,
    ])
  })

  it('takes both shapes in one file when they say the same', () => {
    const text = `
rpc:
  registry: { type: etcd, address: 'localhost:2379' }
  registryConfig: { address: 'http://localhost:2379', timeout: 5 }
`
    expect(fromFile(text).config).toMatchObject({
      endpoints: ['http://localhost:2379'],
      timeoutMs: 5,
    })
  })

  it('reports where the two shapes contradict each other, and shows no password', () => {
    const text = `
rpc:
  registry: { address: a, username: u, password: one }
  registryConfig: { address: b, password: two, timeout: 5 }
`
    expect(problemsOf({ file: { name: 'ming.yaml', text } })).toEqual([
      'ming.yaml rpc.registryConfig.address: expected the same as ming.yaml rpc.registry.address ' +
        '("a"), received "b"',
      'ming.yaml rpc.registryConfig.password: expected the same as ming.yaml ' +
        'rpc.registry.password (a text that is not shown), received a text that is not shown',
    ])
  })

  it('reports every problem of every source at once', () => {
    const text = `
rpc:
  registry:
    type: zookeeper
    adress: localhost
    timeout: '10000'
    tls: [ca.pem]
  registryConfig: localhost
  registy: {}
`
    const env = {
      MING_REGISTRY_PASSWORD: 'secret',
      MING_REGISTRY_ENDPOINT: 'localhost',
      MING_REGISTRY_TTL_SECONDS: '30s',
    }
    // As plain JavaScript may call it.
    const options: object = { timeoutMs: 0, endpoints: 5, tls: { keyFile: '/key.pem' } }
    expect(problemsOf({ options, env, file: { name: 'ming.yaml', text } })).toMatchInlineSnapshot(`
      [
        "timeoutMs: expected a whole number of milliseconds from 1 to 3600000, received 0",
        "endpoints: expected host:port, http://host:port, https://host:port or unix:///path, several separated by commas, received 5",
        "MING_REGISTRY_ENDPOINT: expected one of MING_REGISTRY_TYPE, MING_REGISTRY_ENDPOINTS, MING_REGISTRY_USERNAME, MING_REGISTRY_PASSWORD, MING_REGISTRY_CA_FILE, MING_REGISTRY_CERT_FILE, MING_REGISTRY_KEY_FILE, MING_REGISTRY_TTL_SECONDS, MING_REGISTRY_TIMEOUT_MS, MING_REGISTRY_SNAPSHOT_DIR, MING_REGISTRY_GUARD_MS, MING_REGISTRY_STALE_AFTER_MS, received an unknown key",
        "MING_REGISTRY_TTL_SECONDS: expected a whole number of seconds from 1 to 86400, received "30s"",
        "ming.yaml rpc.registry.type: expected a known registry (etcd), received "zookeeper"",
        "ming.yaml rpc.registry.adress: expected one of type, address, timeout, username, password, ttlSeconds, tls, snapshotDir, guardMs, staleAfterMs, received an unknown key",
        "ming.yaml rpc.registry.timeout: expected a whole number of milliseconds from 1 to 3600000, received "10000"",
        "ming.yaml rpc.registry.tls: expected a block of caFile, certFile, keyFile, received ["ca.pem"]",
        "ming.yaml rpc.registryConfig: expected a block of registry, address, username, password, timeout, received "localhost"",
        "ming.yaml rpc.registy: expected registry or registryConfig, received an unknown key",
        "username: expected a value to go with MING_REGISTRY_PASSWORD, received nothing",
        "tls.certFile: expected a value to go with tls.keyFile, received nothing",
      ]
    `)
  })

  it('reports an address without TLS beside TLS files', () => {
    const options = { endpoints: 'http://a,b,unix:///c', tls: { caFile: '/ca.pem' } }
    const expected = 'https:// in every address, since TLS files are given'
    expect(problemsOf({ options })).toEqual([
      `endpoints: expected ${expected}, received "http://a:2379"`,
      `endpoints: expected ${expected}, received "unix:///c"`,
    ])
  })

  it('says what is wrong with a file that is no YAML', () => {
    const [problem] = problemsOf({ file: { name: 'ming.yaml', text: 'rpc: [1\nx: "' } })
    expect(problem).toMatch(/^ming\.yaml: expected YAML, received .* at line \d+, column \d+$/)
  })

  it.each(['', 'rpc:', 'rpc: {}', 'rpc: { registry: }', '- a', 'other: 1'])(
    'takes a file that says nothing of a registry: "%s"',
    (text) => {
      expect(fromFile(text)).toEqual(readRegistryConfig())
    },
  )
})
