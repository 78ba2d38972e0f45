import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import http from 'node:http'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SetupError, messageOf } from './setup-error.mjs'

/**
 * @typedef {object} DownloadLimits
 * @property {number} [answerMs] until the first byte of the answer; default 10 s
 * @property {number} [silenceMs] between two pieces of the body; default 15 s
 * @property {number} [totalMs] default 10 min
 */

/**
 * Downloads `url` into `file` and checks its SHA-256. Rejects with one line that says what went
 * wrong; `file` may then hold anything and must not be used.
 * @param {string} url
 * @param {string} file
 * @param {string} sha256 hexadecimal
 * @param {DownloadLimits} [limits]
 */
export async function download(url, file, sha256, limits = {}) {
  const { answerMs = 10_000, silenceMs = 15_000, totalMs = 10 * 60_000 } = limits
  const clock = startClock(totalMs)
  try {
    clock.expect(answerMs, 'no answer')
    const response = await fetch(url, { signal: clock.signal })
    if (!response.ok || response.body === null) {
      throw new SetupError(`HTTP ${String(response.status)} ${response.statusText}`.trim())
    }
    const hash = createHash('sha256')
    const watch = new Transform({
      transform(/** @type {Buffer} */ chunk, _encoding, done) {
        clock.expect(silenceMs, 'the download stalled')
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(file), {
      signal: clock.signal,
    })
    const sum = hash.digest('hex')
    if (sum !== sha256) throw new SetupError(`SHA-256 is ${sum}, not ${sha256}; it was not used`)
  } catch (error) {
    throw new SetupError(`${url}: ${messageOf(clock.signal.reason ?? error)}`, { cause: error })
  } finally {
    clock.stop()
  }
}

/** @param {number} totalMs */
function startClock(totalMs) {
  const controller = new AbortController()
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  /** @param {string} problem */
  const giveUp = (problem) => controller.abort(new SetupError(problem))
  const total = setTimeout(() => giveUp(`not done after ${seconds(totalMs)}`), totalMs)
  return {
    signal: controller.signal,
    /**
     * @param {number} ms
     * @param {string} problem
     */
    expect(ms, problem) {
      clearTimeout(timer)
      timer = setTimeout(() => giveUp(`${problem} for ${seconds(ms)}`), ms)
    },
    stop() {
      clearTimeout(timer)
      clearTimeout(total)
    },
  }
}

/** @param {number} ms */
function seconds(ms) {
  return `${String(ms / 1000)} s`
}

/** Downloads go through the proxy that the environment names, as those of npm and apt do. */
export function obeyProxySettings() {
  const { env } = process
  const named = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => env[name])
  if (named) http.setGlobalProxyFromEnv()
}
