import { describe, expect, it } from 'vitest'
import { parseEtcdVersion } from './etcd-version.ts'
import { labRoom, memberFlags } from './flags.ts'

const flagsFor = (version: string) =>
  memberFlags({
    version: parseEtcdVersion(version),
    name: 'etcd2',
    names: ['etcd1', 'etcd2', 'etcd3'],
    dir: '/run/lab',
    room: labRoom,
  })

describe('memberFlags', () => {
  it('listens on nothing but Unix sockets', () => {
    const listening = flagsFor('3.5.30').filter((flag) => flag.startsWith('--listen'))
    expect(listening).toEqual([
      '--listen-client-urls=unix:///run/lab/etcd2.sock',
      '--listen-peer-urls=unix://etcd2:2380',
    ])
  })

  it('names all members as the initial cluster', () => {
    expect(flagsFor('3.5.30')).toContain(
      '--initial-cluster=etcd1=unix://etcd1:2380,etcd2=unix://etcd2:2380,etcd3=unix://etcd3:2380',
    )
  })

  it('spells the progress interval the way each version wants it', () => {
    const experimental = '--experimental-watch-progress-notify-interval=1s'
    const stable = '--watch-progress-notify-interval=1s'
    expect(flagsFor('3.5.30')).toContain(experimental)
    expect(flagsFor('3.5.30')).not.toContain(stable)
    for (const version of ['3.6.14', '3.7.1']) {
      expect(flagsFor(version)).toContain(stable)
      expect(flagsFor(version).join(' ')).not.toContain('experimental')
    }
  })

  it('leaves out the limit of snapshot files where etcd no longer has it', () => {
    expect(flagsFor('3.7.1')).toContain('--max-snapshots=2')
    expect(flagsFor('3.8.0').join(' ')).not.toContain('max-snapshots')
  })
})
