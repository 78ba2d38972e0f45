import { readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { inspectEtcd } from '../../setup/etcd-binaries.mjs'
import { fetchEtcdFromDebian } from '../../setup/etcd-debian.mjs'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

function isDebian(): boolean {
  const facts = statSync('/etc/os-release', { throwIfNoEntry: false })
  return facts !== undefined && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** What a change of the system's own packages or lists would touch. */
function systemState(): number[] {
  const files = ['/var/lib/dpkg/status', '/var/lib/apt/lists', '/var/cache/apt']
  return files.map((file) => statSync(file).mtimeMs)
}

describe.skipIf(!isDebian())("Debian's package", () => {
  test('is unpacked privately, from a machine that has never read its package lists', async () => {
    const cache = await temporaryFolder()
    await forgetPackageLists()
    const before = systemState()
    const dir = await fetchEtcdFromDebian({ cache })
    expect(await inspectEtcd(dir)).toMatch(/^3\.(?:[5-9]|\d\d)\.\d+$/)
    expect(await readdir(cache)).toEqual([path.basename(dir)])
    expect(await readdir(dir)).toEqual(['etcd', 'etcdctl'])
    expect(systemState()).toEqual(before)
  })

  test('of a suite that is too old here gives way to the next suite', async () => {
    const cache = await temporaryFolder()
    const dir = await fetchEtcdFromDebian({ cache, suites: ['bookworm', 'trixie'] })
    expect(path.basename(dir)).toContain('trixie')
  })

  test('of a suite that the mirror does not have is refused with what apt says', async () => {
    const cache = await temporaryFolder()
    const fetching = fetchEtcdFromDebian({ cache, suites: ['no-such-suite'] })
    await expect(fetching).rejects.toThrow(/no-such-suite from \S+: reading the package lists: \w/)
    expect(await readdir(cache)).toEqual([])
  })
})

/** Until the running test has ended, apt's own lists are an empty folder. */
async function forgetPackageLists(): Promise<void> {
  const folder = await temporaryFolder()
  await mkdir(path.join(folder, 'lists/partial'), { recursive: true })
  const config = path.join(folder, 'apt.conf')
  await writeFile(config, `Dir::State::Lists "${folder}/lists";\n`)
  const before = process.env['APT_CONFIG']
  process.env['APT_CONFIG'] = config
  onTestFinished(() => {
    if (before === undefined) delete process.env['APT_CONFIG']
    else process.env['APT_CONFIG'] = before
  })
}
