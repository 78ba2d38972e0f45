import { describe, expect, it } from 'vitest'
import { readAnswer } from './server-presence.ts'

describe('the answer of /healthz', () => {
  it('is a lab server when it says so, with the etcd it runs', () => {
    const body = JSON.stringify({ ok: true, etcdVersion: '3.5.30', etcdOutdated: true })
    expect(readAnswer(200, body)).toEqual({
      presence: 'present',
      etcd: { version: '3.5.30', outdated: true },
      shared: null,
    })
  })

  it('says whether readers share a cluster', () => {
    const shared = (cluster: unknown) =>
      readAnswer(200, JSON.stringify({ ok: true, cluster })).shared
    expect(['compose', 'endpoints', null, 'another'].map(shared)).toEqual([
      'compose',
      'endpoints',
      null,
      null,
    ])
  })

  it.each([
    ['a page of a static host', 200, '<!doctype html>'],
    ['a 404', 404, 'not found'],
    ['other JSON', 200, '{"status":"up"}'],
    ['null', 200, 'null'],
  ])('is no lab server when it is %s', (_what, status, body) => {
    expect(readAnswer(status, body).presence).toBe('absent')
  })

  it('may still come when a proxy says that its server is away', () => {
    expect(readAnswer(502, '<h1>Bad gateway</h1>').presence).toBe('silent')
  })
})
