import { describe, expect, test } from 'vitest'
import { createEdge, type EdgeOptions } from './edge.ts'

const local: EdgeOptions = { host: '127.0.0.1', port: 4379, publicUrl: null, allowedOrigins: [] }

describe('hostAllowed', () => {
  test.each(['localhost:4379', 'LocalHost:4379', '127.0.0.1:4379', '[::1]:4379'])(
    'accepts the loopback name %s',
    (host) => {
      expect(createEdge(local).hostAllowed(host)).toBe(true)
    },
  )

  test.each([
    undefined,
    '',
    'localhost',
    'localhost:4380',
    'evil.example:4379',
    'localhost.evil.example:4379',
    '192.168.1.5:4379',
    'localhost:4379, evil.example',
  ])('refuses %s', (host) => {
    expect(createEdge(local).hostAllowed(host)).toBe(false)
  })

  test('accepts a name without a port when the port is the standard one', () => {
    const edge = createEdge({ ...local, port: 80 })
    expect(edge.hostAllowed('localhost')).toBe(true)
    expect(edge.hostAllowed('localhost:80')).toBe(true)
  })

  test('accepts the host of the public URL, with and without its standard port', () => {
    const edge = createEdge({ ...local, publicUrl: new URL('https://lab.example.com/x/') })
    expect(edge.hostAllowed('lab.example.com')).toBe(true)
    expect(edge.hostAllowed('lab.example.com:443')).toBe(true)
    expect(edge.hostAllowed('lab.example.com:4379')).toBe(false)
  })

  test('accepts the own addresses when it listens on all of them', () => {
    const edge = createEdge({ ...local, host: '0.0.0.0', ownAddresses: ['192.168.1.5', 'fe80::1'] })
    expect(edge.hostAllowed('192.168.1.5:4379')).toBe(true)
    expect(edge.hostAllowed('[fe80::1]:4379')).toBe(true)
    expect(edge.hostAllowed('192.168.1.6:4379')).toBe(false)
  })
})

describe('originAllowed', () => {
  test('accepts the page that this server served', () => {
    expect(createEdge(local).originAllowed('http://localhost:4379', 'localhost:4379')).toBe(true)
  })

  test.each([
    undefined,
    'null',
    '',
    'https://localhost:4379',
    'http://localhost:4380',
    'http://127.0.0.1:4379',
    'http://localhost:4379.evil.example',
    'http://evil.example',
  ])('refuses %s for a request to localhost', (origin) => {
    expect(createEdge(local).originAllowed(origin, 'localhost:4379')).toBe(false)
  })

  test('refuses a page whose own name was made to resolve to this machine', () => {
    const edge = createEdge(local)
    expect(edge.originAllowed('http://evil.example:4379', 'evil.example:4379')).toBe(false)
  })

  test('accepts the public URL and the configured origins, whatever Host a proxy sends', () => {
    const edge = createEdge({
      ...local,
      publicUrl: new URL('https://lab.example.com/'),
      allowedOrigins: ['http://localhost:4321'],
    })
    expect(edge.originAllowed('https://lab.example.com', '127.0.0.1:4379')).toBe(true)
    expect(edge.originAllowed('http://localhost:4321', 'localhost:4321')).toBe(true)
    expect(edge.originAllowed('http://lab.example.com', '127.0.0.1:4379')).toBe(false)
  })
})
