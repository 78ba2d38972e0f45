import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { LabError } from '../../protocol/index.ts'

const namePattern = /^ming-lab-[0-9a-f]{8}$/
const socketLimitMs = 2000

/** The path of a run directory that is not there yet. */
export function newRunDirectory(baseDir: string): string {
  return join(baseDir, `ming-lab-${randomBytes(4).toString('hex')}`)
}

/**
 * Makes the run directory and marks it as owned by a living server: a socket that this process
 * listens on, and a file that says so to people. A socket, because it cannot outlive its process
 * and cannot be mistaken for another, as a pid can (reused, or of another container's numbering).
 *
 * Returns the way to give it up. The file is written last: a directory without it is nobody's.
 */
export async function claimRunDirectory(runDir: string): Promise<() => void> {
  await mkdir(dirname(runDir), { recursive: true })
  await mkdir(runDir, { mode: 0o700 })
  const server = await listen(ownerSocket(runDir))
  const owner = { pid: process.pid, startedAt: new Date().toISOString() }
  await writeFile(ownerFile(runDir), `${JSON.stringify(owner)}\n`, { mode: 0o600 })
  return () => server.close()
}

/**
 * Run directories under `baseDir` that this user's servers made and whose server is gone. Whatever
 * is not plainly that is left alone: other names, links, other users' directories, directories
 * without an owner file, and any whose owner might live.
 */
export async function findAbandonedRuns(baseDir: string): Promise<string[]> {
  const names = (await listNames(baseDir)).filter((name) => namePattern.test(name))
  const runs = await Promise.all(
    names.map(async (name) => {
      const runDir = join(baseDir, name)
      return (await isOurs(runDir)) && !(await isOwnerAlive(runDir)) ? [runDir] : []
    }),
  )
  return runs.flat()
}

function ownerSocket(runDir: string): string {
  return join(runDir, 'owner.sock')
}

function ownerFile(runDir: string): string {
  return join(runDir, 'owner.json')
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((visitor) => visitor.destroy())
    server.once('error', (cause) => {
      reject(new LabError('CONFIG', `Cannot listen on ${path}: ${cause.message}`, { cause }))
    })
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

async function isOurs(runDir: string): Promise<boolean> {
  const user = process.getuid?.()
  const directory = await look(runDir)
  // Another user's directory cannot even be looked into.
  if (directory?.isDirectory() !== true || directory.uid !== user) return false
  const owner = await look(ownerFile(runDir))
  return owner?.isFile() === true && owner.uid === user
}

async function listNames(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** `lstat`, so that a link is seen as a link; null when there is nothing. */
async function look(path: string): Promise<Awaited<ReturnType<typeof lstat>> | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function isOwnerAlive(runDir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(ownerSocket(runDir))
    socket.setTimeout(socketLimitMs, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined
      // Refused: the file is there, nobody listens. Missing: the owner removed it on its way out.
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}
