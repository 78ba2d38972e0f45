import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildLabImage, labImage } from '../containers/lab-image.ts'
import { docker, engineAnswers } from '../helpers/docker.ts'
import { freePort } from '../helpers/free-port.ts'
import { waitFor } from '../helpers/wait-for.ts'
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts'
import { median } from './statistics.ts'

const rounds = 10
/** Of the container to `npm start`, which has nothing to set up any more. */
const bound = 2
const root = path.resolve(import.meta.dirname, '../..')
const name = `ming-bench-${process.pid}`

export const containerStart: Benchmark = {
  name: 'container-start',
  summary: 'from starting the image to its first answer, beside npm start with a warm cache',
  async run(context) {
    if (!(await engineAnswers())) {
      context.progress('container-start: no Docker engine answers, so it is left out')
      return { rows: [], samples: {} }
    }
    context.progress('container-start: building the image')
    const image = await buildLabImage()
    try {
      return await measure(context)
    } finally {
      await image.remove()
    }
  },
}

async function measure(context: BenchContext): Promise<BenchResult> {
  const count = context.rounds ?? rounds
  const container: number[] = []
  const npm: number[] = []
  // The first start of each is not counted: it fills the caches of the disk.
  for (let round = 0; round <= count; round += 1) {
    context.signal.throwIfAborted()
    const took = { npm: await startWithNpm(), container: await startContainer() }
    if (round === 0) continue
    npm.push(took.npm)
    container.push(took.container)
    const shown = `${took.container.toFixed(0)} ms, npm start ${took.npm.toFixed(0)} ms`
    context.progress(`container-start ${round}/${count}: ${shown}`)
  }
  const value = median(container)
  const baseline = median(npm)
  const ratio = value / baseline
  const row = { name: 'container-start', value, unit: 'ms', baseline, ratio, bound }
  return {
    rows: [{ ...row, ok: ratio <= bound }],
    samples: { 'container to first answer': container, 'npm start to first answer': npm },
  }
}

/** Milliseconds until `/healthz` answers. */
async function startContainer(): Promise<number> {
  const port = await freePort()
  const start = performance.now()
  try {
    await docker([
      ...['run', '--detach', '--name', name, '--read-only', '--network', 'host'],
      ...['--env', 'HOST=127.0.0.1', '--env', `PORT=${port}`, labImage],
    ])
    await untilHealthy(port)
    return performance.now() - start
  } finally {
    await docker(['rm', '--force', '--volumes', name])
  }
}

async function startWithNpm(): Promise<number> {
  const port = await freePort()
  const dataDir = await mkdtemp(path.join(tmpdir(), 'lab-bench-'))
  const start = performance.now()
  const env = { ...process.env, PORT: String(port), LAB_DATA_DIR: dataDir }
  const child = spawn('npm', ['start'], { cwd: root, env, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('close', resolve))
  try {
    await untilHealthy(port)
    return performance.now() - start
  } finally {
    child.kill('SIGTERM')
    await ended
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function untilHealthy(port: number): Promise<void> {
  const look = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
    return answer.ok || String(answer.status)
  }
  await waitFor('the health of the lab', look, { timeoutMs: 60_000, everyMs: 5 })
}
