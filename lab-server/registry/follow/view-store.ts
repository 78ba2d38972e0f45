import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { LabError } from '../../../protocol/index.ts'
import { listedView, type ServiceView } from '../view.ts'

const decimal = z.string().regex(/^-?\d{1,19}$/)

/** A view as it stands on disk: its instances only. What cannot be read can be served to nobody. */
const storedView = z.object({
  format: z.literal(1),
  prefix: z.string(),
  clusterId: z.string(),
  revision: decimal,
  /** Milliseconds since 1970, for whoever reads the file. */
  savedAt: z.number(),
  keys: z.array(
    z.object({ key: z.string(), value: z.string(), modRevision: decimal, lease: decimal }),
  ),
})

export interface StoredView {
  readonly view: ServiceView
  /** Hexadecimal. */
  readonly clusterId: string
}

let stores = 0

/**
 * Views kept on disk, one file for each service, so that a consumer can start while etcd is down.
 * A file is written beside its place and moved there: it is whole or not there.
 */
export class ViewStore {
  readonly #directory: string
  /** Tells the drafts of two stores of one process apart. */
  readonly #number: number

  constructor(directory: string) {
    this.#directory = directory
    this.#number = stores
    stores += 1
  }

  /** Null when nothing was kept. Rejects with `SNAPSHOT` when what was kept cannot be used. */
  async load(prefix: string): Promise<StoredView | null> {
    const file = this.#file(prefix)
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw unusable(`could not read ${file}`, error)
    }
    try {
      const stored = z.parse(storedView, JSON.parse(text))
      if (stored.prefix !== prefix) throw new Error(`it holds ${stored.prefix}`)
      return { clusterId: stored.clusterId, view: toView(stored) }
    } catch (error) {
      throw unusable(`${file} is no snapshot of ${prefix}, and is not used`, error)
    }
  }

  /** Rejects with `SNAPSHOT`; what was kept before is then still there. */
  async save({ view, clusterId }: StoredView): Promise<void> {
    const file = this.#file(view.prefix)
    const draft = `${file}.${String(process.pid)}-${String(this.#number)}`
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await writeFile(draft, JSON.stringify(toStored(view, clusterId)), {
        mode: 0o600,
        flush: true,
      })
      await rename(draft, file)
    } catch (error) {
      await rm(draft, { force: true })
      throw unusable(`could not write ${file}`, error)
    }
  }

  #file(prefix: string): string {
    // A name of any length and with any characters makes one file name; the prefix stands inside.
    const name = createHash('sha256').update(prefix).digest('hex').slice(0, 32)
    return join(this.#directory, `${name}.json`)
  }
}

function toStored(view: ServiceView, clusterId: string): z.infer<typeof storedView> {
  const keys = [...view.entries.values()]
    .filter(({ found }) => found !== null)
    .map(({ key, value, modRevision, lease }) => ({
      key,
      value: Buffer.from(value, 'latin1').toString('utf8'),
      modRevision,
      lease,
    }))
  const { prefix, revision } = view
  return {
    format: 1,
    prefix,
    clusterId,
    revision: revision.toString(),
    savedAt: Date.now(),
    keys,
  }
}

function toView({ prefix, revision, keys }: z.infer<typeof storedView>): ServiceView {
  const raw = keys.map(({ key, value, modRevision, lease }) => ({
    key: Buffer.from(key),
    value: Buffer.from(value),
    createRevision: modRevision,
    modRevision,
    version: '1',
    lease,
  }))
  return listedView(prefix, raw, revision)
}

function unusable(what: string, cause: unknown): LabError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new LabError('SNAPSHOT', `${what}: ${why}`, { cause })
}
