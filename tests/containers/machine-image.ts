import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { docker } from '../helpers/docker.ts'

const run = promisify(execFile)
const buildLimitMs = 180_000

/** What an image holds that is made of programs of this machine. */
export interface MachineImage {
  readonly tag: string
  /** Programs with the shared libraries that they load: where it is here, where in the image. */
  readonly programs: Readonly<Record<string, string>>
  /** Files and folders, copied as they are. */
  readonly files?: Readonly<Record<string, string>>
  /** Symbolic links: what they say, by their place in the image. */
  readonly links?: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
}

/**
 * Builds an image from this machine's own programs, for networks in which none can be pulled.
 * Rejects when a program is not there.
 */
export async function buildFromMachine(image: MachineImage): Promise<void> {
  const context = await realpath(await mkdtemp(path.join(tmpdir(), 'machine-image-')))
  try {
    const root = path.join(context, 'root')
    await mkdir(path.join(root, 'tmp'), { recursive: true })
    for (const [source, target] of Object.entries(image.programs)) {
      await addProgram(root, source, target)
    }
    for (const [source, target] of Object.entries(image.files ?? {})) {
      await add(root, source, target)
    }
    for (const [place, text] of Object.entries(image.links ?? {})) {
      await mkdir(path.dirname(path.join(root, place)), { recursive: true })
      await symlink(text, path.join(root, place))
    }
    await writeFile(path.join(context, 'Dockerfile'), dockerfileOf(image.env))
    await docker(['build', '--quiet', '--tag', image.tag, context], { timeoutMs: buildLimitMs })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

function dockerfileOf(env: Readonly<Record<string, string>>): string {
  const settings = Object.entries(env).map(([name, value]) => `ENV ${name}=${value}`)
  return ['FROM scratch', 'COPY root/ /', ...settings, ''].join('\n')
}

async function addProgram(root: string, source: string, target: string): Promise<void> {
  await add(root, source, target)
  const libraries = await librariesOf(source)
  for (const library of [...libraries, ...partsOfC(libraries)]) await add(root, library, library)
}

/** Every system has these beside its C library, so what npm installs counts on them. */
function partsOfC(libraries: readonly string[]): string[] {
  const main = libraries.find((file) => path.basename(file) === 'libc.so.6')
  if (main === undefined) return []
  const parts = ['libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'librt.so.1', 'libutil.so.1']
  return parts.map((name) => path.join(path.dirname(main), name))
}

/** Absolute paths, the loader included. A static program has none. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]).catch((error: unknown) => {
    if (String(error).includes('not a dynamic executable')) return { stdout: '' }
    throw error
  })
  return [...stdout.matchAll(/(?:=>|^)\s*(\/\S+)/gm)].map(([, file = '']) => file)
}

async function add(root: string, source: string, target: string): Promise<void> {
  const place = path.join(root, target)
  await mkdir(path.dirname(place), { recursive: true })
  // What stands in the image must not be a link to something that does not.
  await cp(await realpath(source), place, { recursive: true, dereference: true })
}
