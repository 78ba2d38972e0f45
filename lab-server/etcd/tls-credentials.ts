import { stat } from 'node:fs/promises'
import { credentials, type ChannelCredentials } from '@grpc/grpc-js'
import { LabError, toLabError } from '../../protocol/index.ts'
import { readTlsFiles, type TlsFiles, type TlsMaterial } from './tls-files.ts'

/** Between two looks at the files, milliseconds. */
const lookEveryMs = 1000

/**
 * The certificates of one client, read anew when their files change. Files are looked at, not
 * subscribed to: what replaces them (a rename, a symbolic link that turns, a mount) escapes
 * fs.watch in one way or another. A replacement that cannot be used changes nothing and is reported
 * once; it may be half written, and is looked at again when it changes again.
 */
export class TlsCredentials {
  readonly #files: TlsFiles
  readonly #onTrouble: (error: LabError) => void
  readonly #followers = new Set<() => void>()
  readonly #timer: NodeJS.Timeout
  #material: TlsMaterial
  #current: ChannelCredentials
  /** What the files looked like when they were last read; null = before the first look. */
  #seen: string | null = null
  #looking = false

  /** Throws `CONFIG` when the files cannot be used. */
  constructor(files: TlsFiles, onTrouble: (error: LabError) => void) {
    this.#files = files
    this.#onTrouble = onTrouble
    this.#material = readTlsFiles(files)
    this.#current = toChannelCredentials(this.#material)
    this.#timer = setInterval(() => void this.#look(), lookEveryMs)
    this.#timer.unref()
  }

  get current(): ChannelCredentials {
    return this.#current
  }

  /** Calls `listener` after every replacement, until undone. */
  follow(listener: () => void): () => void {
    this.#followers.add(listener)
    return () => this.#followers.delete(listener)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#followers.clear()
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const { caFile, certFile, keyFile } = this.#files
    const stamps = await Promise.all([caFile, certFile, keyFile].map(stamp))
    this.#looking = false
    const seen = stamps.join(' ')
    if (seen === this.#seen) return
    // Noted before it is read: what is written meanwhile shows at the next look.
    this.#seen = seen
    this.#reload()
  }

  #reload(): void {
    try {
      const material = readTlsFiles(this.#files)
      if (isSame(material, this.#material)) return
      this.#current = toChannelCredentials(material)
      this.#material = material
    } catch (error) {
      this.#onTrouble(stillOld(toLabError(error)))
      return
    }
    for (const listener of [...this.#followers]) listener()
  }
}

function toChannelCredentials({ ca, identity }: TlsMaterial): ChannelCredentials {
  return credentials.createSsl(ca, identity?.key ?? null, identity?.cert ?? null)
}

/** Changes with everything that may change the content, also when a link leads elsewhere. */
async function stamp(file: string | undefined): Promise<string> {
  if (file === undefined) return ''
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file)
    return [dev, ino, size, mtimeMs, ctimeMs].join(':')
  } catch (error) {
    // Reading it will say what is wrong.
    return String(error)
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  return digest(one) === digest(other)
}

function digest({ ca, identity }: TlsMaterial): string {
  return [ca, identity?.cert, identity?.key].map((pem) => pem?.toString('base64')).join(' ')
}

function stillOld(error: LabError): LabError {
  const text = `the replaced certificates cannot be used, the former ones stay: ${error.message}`
  return new LabError(error.code, text, { cause: error })
}
