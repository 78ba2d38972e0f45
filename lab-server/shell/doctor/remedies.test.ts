import { describe, expect, test } from 'vitest'
import { deregister } from '../commands/deregister.ts'
import { parseArguments } from '../parse-arguments.ts'
import { parseLine } from '../parse-line.ts'
import { remediesFor } from './remedies.ts'

const lab = { prefix: '', endpoints: null, namespace: '', members: [] }
const shell = { ...lab, prefix: 'ming ', endpoints: ['http://a:1', 'http://b:2'] }

function ghost(key: string) {
  return { kind: 'ghost', key, bytes: Buffer.from(key) } as const
}

describe('a ghost', () => {
  test('is deregistered by its service and address', () => {
    const finding = ghost('/rpc/UserService:2.0/[::1]:80')
    expect(remediesFor(finding, lab)).toEqual(['deregister UserService:2.0 [::1]:80'])
    expect(remediesFor(finding, shell)).toEqual(['ming deregister UserService:2.0 [::1]:80'])
  })

  test('whose name or host could be taken for an option is no option', () => {
    const lines = ['/rpc/-x:1.0/h:80', '/rpc/--output:1.0/h:80', '/rpc/S:1.0/-h:80'].map((key) =>
      remediesFor(ghost(key), lab).map((line) => parseLine(line).slice(1)),
    )
    const read = lines.flat().map((words) => parseArguments(deregister, words))
    expect(read.map((args) => [args.required('service'), args.required('address')])).toEqual([
      ['-x:1.0', 'h:80'],
      ['--output:1.0', 'h:80'],
      ['S:1.0', '-h:80'],
    ])
  })

  test('under a key that no command could name is deleted with etcdctl', () => {
    const finding = ghost('/rpc/a/b:1.0/h:80')
    expect(remediesFor(finding, lab)).toEqual(['etcdctl del /rpc/a/b:1.0/h:80'])
    expect(remediesFor(finding, shell)).toEqual([
      'etcdctl --endpoints=http://a:1,http://b:2 del /rpc/a/b:1.0/h:80',
    ])
  })
})

describe('a key outside the format', () => {
  const remedies = (bytes: Uint8Array, scene: typeof lab | typeof shell) =>
    remediesFor({ kind: 'foreign-key', key: '', bytes }, scene)

  test('is looked at before it is deleted, in quotes where it needs them', () => {
    expect(remedies(Buffer.from("/rpc/it's $HOME"), lab)).toEqual([
      `etcdctl get '/rpc/it'\\''s $HOME'`,
      `etcdctl del '/rpc/it'\\''s $HOME'`,
    ])
  })

  test('is named as etcdctl sees it: with the prefix of a reader who shares the cluster', () => {
    expect(remedies(Buffer.from('/rpc/x'), { ...lab, namespace: '/ming-lab/ab' })).toEqual([
      'etcdctl get /ming-lab/ab/rpc/x',
      'etcdctl del /ming-lab/ab/rpc/x',
    ])
  })

  test('that cannot be typed is written as bytes, which a lab has no way to do', () => {
    const bytes = Buffer.from([0x2f, 0xff, 0x0a])
    expect(remedies(bytes, lab)).toEqual([])
    expect(remedies(bytes, shell).at(-1)).toMatch(/ del \$'\\x2f\\xff\\x0a'$/)
  })
})

test('an alarm for want of space is disarmed after room has been made', () => {
  const alarm = { kind: 'alarm', alarm: 'NOSPACE', memberId: 'ab', member: null } as const
  expect(remediesFor({ ...alarm, revision: '42' }, lab)).toEqual([
    'etcdctl compaction 42',
    'etcdctl defrag',
    'etcdctl alarm disarm',
  ])
})

test('a silent member of a lab is started or resumed, unless its process runs', () => {
  const states = ['killed', 'stopped', 'exited', 'paused', 'running', 'starting'] as const
  const members = states.map((state) => ({ name: state, clientUrl: `unix://${state}`, state }))
  const remedies = members.map(({ clientUrl: endpoint }) =>
    remediesFor({ kind: 'silent-endpoint', endpoint, reason: '' }, { ...lab, members }),
  )
  expect(remedies).toEqual([
    ['start killed'],
    ['start stopped'],
    ['start exited'],
    ['resume paused'],
    [],
    [],
  ])
})
