import { existsSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { docker } from '../helpers/docker.ts'
import { composeImage, provideEtcdImage, type EtcdImage } from '../helpers/etcd-image.ts'
import { buildFromMachine } from './machine-image.ts'

const root = path.resolve(import.meta.dirname, '../..')
/** Not as the compose file calls it: whoever runs the tests may have an image of that name. */
export const labImage = 'ming-registry-lab-test:0.1.0'
const buildLimitMs = 15 * 60_000

export interface LabImage {
  /** What it is built upon: images of a registry, or stand-ins made of this machine's programs. */
  readonly bases: 'registry' | 'stand-ins'
  /** Removes the image and the stand-ins. */
  remove(): Promise<void>
}

/** Builds the lab's image upon the images that the Dockerfile names, or stand-ins for them. */
export async function buildLabImage(): Promise<LabImage> {
  const etcd = await provideEtcdImage(await composeImage())
  const node = argument('NODE_IMAGE')
  const hasNode = (await canHave(node)) ? [] : await buildStandIns()
  const args = hasNode.flatMap(({ argument: name, tag }) => ['--build-arg', `${name}=${tag}`])
  // The network of the host: that of a private engine leads nowhere.
  const options = ['--network', 'host', '--tag', labImage]
  await docker(['build', ...options, ...args, root], { timeoutMs: buildLimitMs })
  return {
    bases: hasNode.length === 0 ? 'registry' : 'stand-ins',
    remove: () => removeImages([labImage, ...hasNode.map(({ tag }) => tag)], etcd),
  }
}

async function removeImages(tags: readonly string[], etcd: EtcdImage): Promise<void> {
  await docker(['image', 'rm', '--force', ...tags])
  await etcd.remove()
}

/** The default of one of the Dockerfile's arguments. */
function argument(name: string): string {
  const text = readFileSync(path.join(root, 'Dockerfile'), 'utf8')
  const value = new RegExp(`^ARG ${name}=(.+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`the Dockerfile has no argument ${name}`)
  return value
}

async function canHave(image: string): Promise<boolean> {
  return await docker(['image', 'inspect', image])
    .catch(() => docker(['pull', '--quiet', image], { timeoutMs: 5 * 60_000 }))
    .then(
      () => true,
      // Not here and out of reach: that is the answer, not a failure.
      () => false,
    )
}

const searchPath = '/usr/local/bin:/usr/bin:/bin'

interface StandIn {
  /** Of the Dockerfile. */
  readonly argument: string
  readonly tag: string
}

/** Node and npm of this machine, in the places where the real images have them. */
async function buildStandIns(): Promise<StandIn[]> {
  const node = { argument: 'NODE_IMAGE', tag: 'ming-stand-in/node:24' }
  const build = { argument: 'BUILD_IMAGE', tag: 'ming-stand-in/build:24' }
  const nodeProgram = { [process.execPath]: '/usr/local/bin/node' }
  await buildFromMachine({ tag: node.tag, programs: nodeProgram, env: { PATH: searchPath } })
  const trusted = certificates()
  await buildFromMachine({
    tag: build.tag,
    programs: { ...nodeProgram, ...shellPrograms() },
    files: { [npmFolder()]: '/usr/local/lib/npm', ...trusted },
    links: { '/usr/local/bin/npm': '../lib/npm/bin/npm-cli.js' },
    env: {
      PATH: searchPath,
      HOME: '/root',
      ...(Object.keys(trusted).length === 0 ? {} : { NODE_EXTRA_CA_CERTS: bundle }),
    },
  })
  return [node, build]
}

/** What the Dockerfile's RUN lines and npm's scripts call. */
function shellPrograms(): Record<string, string> {
  // npm reads ldd to tell which C library the system has.
  const needed = ['env', 'mkdir', 'mv', 'find', 'rm', 'ldd']
  return {
    [findOnPath('sh')]: '/bin/sh',
    ...Object.fromEntries(needed.map((name) => [findOnPath(name), `/usr/bin/${name}`])),
  }
}

function findOnPath(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  const file = folders.map((folder) => path.join(folder, name)).find((each) => existsSync(each))
  if (file === undefined) throw new Error(`${name} is not on this machine`)
  return file
}

function npmFolder(): string {
  return path.resolve(realpathSync(findOnPath('npm')), '../..')
}

const bundle = '/etc/ssl/certs/ca-certificates.crt'

/** Authorities that this machine trusts beside Node's own, where its network needs them. */
function certificates(): Record<string, string> {
  const file = process.env['NODE_EXTRA_CA_CERTS']
  return file === undefined || file === '' ? {} : { [file]: bundle }
}
