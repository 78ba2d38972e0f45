import { expect, test } from 'vitest'
import { parseEndpoints } from './endpoints.ts'

test.each([
  ['127.0.0.1:2379', ['http://127.0.0.1:2379']],
  ['http://etcd1', ['http://etcd1:2379']],
  ['HTTPS://etcd1:443/', ['https://etcd1:443']],
  ['[::1]:2379', ['http://[::1]:2379']],
  ['unix:///run/etcd.sock', ['unix:///run/etcd.sock']],
  [' a:1 , b:2,,a:1', ['http://a:1', 'http://b:2']],
])('%j is read as %j', (text, endpoints) => {
  expect(parseEndpoints(text)).toEqual(endpoints)
})

test.each([
  '',
  ',',
  'etcd1',
  'a:0',
  'a:65536',
  'a:b',
  'ftp://a:1',
  'http://a:1/v3',
  'http://u:p@a:1',
  'unix://etcd1',
])('%j is refused', (text) => {
  expect(() => parseEndpoints(text)).toThrow('is no endpoint: expected http://host:port')
})
