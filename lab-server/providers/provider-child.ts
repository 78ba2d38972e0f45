import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { LabError } from '../../protocol/index.ts'
import { untilStopped } from '../cluster/stopped-process.ts'
import type { Provider, ProviderStart, ProviderState } from './provider-control.ts'
import { providerHost, providerReport, type ProviderSettings } from './provider-contract.ts'

export interface ProviderChildOptions extends ProviderStart {
  readonly name: string
  readonly endpoints: readonly string[]
  /** Stands before every key in etcd; default: nothing. */
  readonly namespace?: string
  /** The lab's directory, absolute. */
  readonly dir: string
  /** Told of an end that nobody asked for, with the last words of the process. */
  readonly onTrouble: (error: LabError) => void
}

const program = fileURLToPath(new URL('provider-process.ts', import.meta.url))
/** Most of a provider's memory is Node itself; its own data is a few connections. */
const heapFlags = ['--max-old-space-size=32', '--max-semi-space-size=1']
/** As many as a lab may have start at once, on a busy machine. */
const startLimitMs = 30_000
/** For a registration under way to be taken back. */
const takeBackMs = 4000
/** Longer than the provider gives itself. */
const drainLimitMs = 15_000
/** How long the kernel may take to stop or to reap a process. */
const signalLimitMs = 10_000
/** Characters kept of what a provider wrote to standard error. */
const lastWords = 2000

const runningOnly: ReadonlySet<ProviderState> = new Set(['running'])
const pausedOnly: ReadonlySet<ProviderState> = new Set(['paused'])
const aliveStates: ReadonlySet<ProviderState> = new Set([
  'starting',
  'running',
  'paused',
  'draining',
])

/** One provider's process, from its start to its end. */
export class ProviderChild {
  readonly #options: ProviderChildOptions
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Resolves with the exit code when the process has ended; null after a signal. */
  readonly #gone: Promise<number | null>
  #state: ProviderState = 'starting'
  #port: number | null = null
  #stderr = ''
  #wanted = false

  constructor(options: ProviderChildOptions) {
    this.#options = options
    this.#child = spawnProvider(options)
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-lastWords)
    })
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#ended(`code ${code}, signal ${signal}`)
        resolve(code)
      })
      this.#child.once('error', (error) => {
        // Without a pid the process never was, and no `exit` follows.
        if (this.#child.pid !== undefined) return
        this.#ended(error.message)
        resolve(null)
      })
    })
  }

  view(): Provider {
    const { name, service, weight, ttlSeconds } = this.#options
    const address = this.#port === null ? null : `${providerHost}:${this.#port}`
    return { name, service, address, weight, ttlSeconds, state: this.#state }
  }

  get alive(): boolean {
    return aliveStates.has(this.#state)
  }

  get port(): number | null {
    return this.#port
  }

  /** Resolves when it is registered and answers; when it rejects, the process is gone. */
  async untilServes(signal?: AbortSignal): Promise<void> {
    try {
      this.#port = await this.#readPort(signal)
    } catch (error) {
      this.#wanted = true
      if (this.#state === 'starting' && signal?.aborted === true) {
        this.#signal('SIGTERM')
        await this.#endedWithin(takeBackMs)
      }
      await this.end()
      throw error
    }
    if (this.#state === 'starting') this.#state = 'running'
  }

  async kill(): Promise<void> {
    this.#demand('kill', aliveStates)
    await this.end()
  }

  async pause(): Promise<void> {
    this.#demand('pause', runningOnly)
    await this.#signalUntil('pause', 'SIGSTOP', true)
    this.#demand('pause', runningOnly)
    this.#state = 'paused'
  }

  async resume(): Promise<void> {
    this.#demand('resume', pausedOnly)
    await this.#signalUntil('resume', 'SIGCONT', false)
    this.#demand('resume', pausedOnly)
    this.#state = 'running'
  }

  /** True when the registry has confirmed that the instance is gone. */
  async drain(): Promise<boolean> {
    this.#demand('drain', runningOnly)
    this.#state = 'draining'
    this.#wanted = true
    this.#signal('SIGTERM')
    if (await this.#endedWithin(drainLimitMs)) return (await this.#gone) === 0
    await this.end()
    return false
  }

  /** SIGKILL in any state; resolves when the process is gone. */
  async end(): Promise<void> {
    this.#wanted = true
    if (!this.alive) return
    this.#signal('SIGKILL')
    if (await this.#endedWithin(signalLimitMs)) return
    const { name } = this.#options
    const message = `${name} (pid ${this.#child.pid}) did not end within ${signalLimitMs} ms of SIGKILL`
    throw new LabError('INTERNAL', message)
  }

  #readPort(signal: AbortSignal | undefined): Promise<number> {
    const over = new AbortController()
    const limit = AbortSignal.timeout(startLimitMs)
    const either = AbortSignal.any(signal === undefined ? [limit] : [limit, signal])
    const { name } = this.#options
    return new Promise<number>((resolve, reject) => {
      const stop = () =>
        reject(
          signal?.aborted === true
            ? new LabError('INTERRUPTED', `The start of ${name} was interrupted`)
            : this.#startError(`it did not answer within ${startLimitMs} ms`),
        )
      if (either.aborted) stop()
      either.addEventListener('abort', stop, { signal: over.signal })
      let line = ''
      this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
        line += text
        if (!line.includes('\n')) return
        try {
          resolve(this.#readReport(line))
        } catch (error) {
          reject(error instanceof LabError ? error : this.#startError('it did not say its port'))
        }
      })
      // After its last words: `exit` may come before what it wrote has been read.
      this.#child.once('close', () => reject(this.#startError('its process ended')))
    }).finally(() => over.abort())
  }

  #readReport(line: string): number {
    const report = providerReport.parse(JSON.parse(line))
    if ('port' in report) return report.port
    const { code, message } = report.failed
    throw code === 'INTERNAL'
      ? this.#startError(message)
      : new LabError(code, message, { details: { provider: this.#options.name } })
  }

  #startError(reason: string): LabError {
    const { name } = this.#options
    const words = this.#withoutPaths(this.#stderr.trim())
    return new LabError(
      'PROVIDER_START_FAILED',
      `${name} did not start: ${reason}${words === '' ? '' : `\n${words}`}`,
      { details: { provider: name } },
    )
  }

  /** Without where this machine keeps its labs and its programs: readers see these lines. */
  #withoutPaths(text: string): string {
    const project = fileURLToPath(new URL('../../', import.meta.url))
    return text.replaceAll(`${this.#options.dir}/`, '').replaceAll(project, '')
  }

  #ended(how: string): void {
    const expected = this.#wanted || this.#state === 'starting'
    this.#state = 'ended'
    if (expected) return
    const { name, onTrouble } = this.#options
    const message = `${name} ended by itself (${how}) ${this.#stderr}`.trimEnd()
    onTrouble(new LabError('INTERNAL', message))
  }

  #signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async #signalUntil(action: string, signal: NodeJS.Signals, stopped: boolean): Promise<void> {
    this.#signal(signal)
    const { pid } = this.#child
    const alive = () => this.alive
    if (await untilStopped({ pid, stopped, alive, limitMs: signalLimitMs })) return
    throw this.#wrongState(action)
  }

  async #endedWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), ms)
    })
    const ended = await Promise.race([this.#gone.then(() => true), limit])
    clearTimeout(timer)
    return ended
  }

  #demand(action: string, allowed: ReadonlySet<ProviderState>): void {
    if (!allowed.has(this.#state)) throw this.#wrongState(action)
  }

  #wrongState(action: string): LabError {
    const { name: provider } = this.#options
    const state = this.#state
    const message = `Cannot ${action} ${provider}: it is ${state}`
    return new LabError('PROVIDER_STATE', message, { details: { provider, state, action } })
  }
}

function spawnProvider(options: ProviderChildOptions) {
  const { name, service, ttlSeconds, weight, endpoints, namespace = '', dir } = options
  const settings: ProviderSettings = {
    name,
    service,
    ttlSeconds,
    weight,
    endpoints: [...endpoints],
    namespace,
  }
  // Detached, as members are: Ctrl-C in the terminal reaches the server only.
  const child = spawn(process.execPath, [...heapFlags, program, dir, JSON.stringify(settings)], {
    cwd: '/',
    // Read and written by Node itself. Saves every provider after the first some 20 MB.
    env: { NODE_COMPILE_CACHE: join(dir, 'provider-cache') },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  // Nothing is ever written: an error here means that the provider has gone, and `exit` says so.
  child.stdin.on('error', () => undefined)
  return child
}
