import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { compose, docker } from './docker.ts'
import { etcdUnderTest } from './test-lab.ts'

const run = promisify(execFile)
const pullLimitMs = 90_000

/** Nothing but etcd, as in the official image: no shell, no other program. */
const dockerfile = `FROM scratch
COPY root/ /
ENV PATH=/usr/local/bin
EXPOSE 2379 2380
CMD ["/usr/local/bin/etcd"]
`

export interface EtcdImage {
  readonly name: string
  /** `engine`: it was there; `registry`: it was pulled; `stand-in`: built from this machine's etcd. */
  readonly source: 'engine' | 'registry' | 'stand-in'
  /** Removes a stand-in, and nothing else. */
  remove(): Promise<void>
}

/** The image that `docker-compose.yml` names for its members. */
export async function composeImage(): Promise<string> {
  const config = JSON.parse(await compose(['config', '--format', 'json'])) as {
    services: { etcd1: { image: string } }
  }
  return config.services.etcd1.image
}

/**
 * Sees to it that the engine has an image of this name: the real one, or, where no registry is in
 * reach, a stand-in of the same name that holds the etcd under test.
 */
export async function provideEtcdImage(name: string): Promise<EtcdImage> {
  if (await succeeds(['image', 'inspect', name])) return realImage(name, 'engine')
  if (await succeeds(['pull', '--quiet', name])) return realImage(name, 'registry')
  await buildStandIn(name)
  return {
    name,
    source: 'stand-in',
    async remove() {
      await docker(['image', 'rm', '--force', name])
    },
  }
}

function realImage(name: string, source: 'engine' | 'registry'): EtcdImage {
  return { name, source, remove: () => Promise.resolve() }
}

async function succeeds(args: readonly string[]): Promise<boolean> {
  return await docker(args, { timeoutMs: pullLimitMs }).then(
    () => true,
    () => false,
  )
}

async function buildStandIn(name: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'etcd-image-'))
  try {
    await fillRoot(path.join(folder, 'root'))
    await writeFile(path.join(folder, 'Dockerfile'), dockerfile)
    // The classic builder needs no plugin.
    await docker(['build', '--quiet', '--tag', name, folder], { env: { DOCKER_BUILDKIT: '0' } })
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function fillRoot(root: string): Promise<void> {
  const etcdDir = path.dirname(etcdUnderTest())
  const libraries = new Set<string>()
  for (const program of ['etcd', 'etcdctl']) {
    const file = path.join(etcdDir, program)
    await place(file, path.join(root, 'usr/local/bin', program))
    for (const library of await librariesOf(file)) libraries.add(library)
  }
  for (const library of libraries) await place(library, path.join(root, library))
  await mkdir(path.join(root, 'tmp'))
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true })
  await copyFile(from, to)
  await chmod(to, 0o755)
}

/** Absolute paths of what the dynamic loader would load, itself included; none for a static one. */
async function librariesOf(program: string): Promise<string[]> {
  try {
    const { stdout } = await run('ldd', [program])
    return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].flatMap((match) => match[1] ?? [])
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
    if (said.includes('not a dynamic executable')) return []
    throw error
  }
}
