import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { LabError, toLabError } from '../protocol/index.ts'
import { type Config, readConfig } from './config.ts'
import { type EtcdRelease, readEtcdRelease } from './lab/etcd-release.ts'
import { defaultLabLimit } from './lab/lab-limit.ts'
import { createLogger, type Logger } from './logger.ts'
import { startWebServer, type WebServer } from './web/web-server.ts'

/** How long a graceful end may take before the process ends anyway. */
const shutdownMs = 10_000

interface Running {
  readonly web: WebServer
  readonly logger: Logger
}

async function start(config: Config): Promise<Running> {
  const logger = createLogger({ level: config.logLevel, format: config.logFormat })
  const release = await readEtcdRelease(config.etcdPath)
  const limit = chooseLabLimit(config)
  const boot = randomBytes(4).toString('hex')
  const version = readVersion()
  const web = await startWebServer({
    ...config,
    logger,
    health: () => ({
      ok: true,
      version,
      boot,
      etcdVersion: release.version,
      etcdOutdated: release.outdated,
      uptime: Math.round(process.uptime()),
      labs: { running: 0, max: limit.max },
    }),
  })
  announce(config, web.url, release, limit)
  return { web, logger }
}

function chooseLabLimit(config: Config): { readonly max: number; readonly because: string } {
  if (config.labMax !== null) return { max: config.labMax, because: 'LAB_MAX' }
  const disk = statfsSync(config.dataDir)
  return defaultLabLimit({
    freeMemory: process.availableMemory(),
    freeDisk: disk.bavail * disk.bsize,
  })
}

function readVersion(): string {
  const file = path.join(import.meta.dirname, '..', 'package.json')
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const version = typeof content === 'object' && content !== null && 'version' in content
  return version ? String(content.version) : 'unknown'
}

function announce(
  config: Config,
  url: string,
  release: EtcdRelease,
  limit: { readonly max: number; readonly because: string },
): void {
  console.log(`Ming Registry Lab: ${url}`)
  console.log(`  etcd ${release.version}, up to ${limit.max} labs at once (${limit.because})`)
  if (release.outdated) {
    console.log(
      `  Note: etcd ${release.version} is older than the security floor ${release.floor}.`,
    )
  }
  if (!existsSync(path.join(config.siteDir, 'index.html'))) {
    console.log(`  Note: no site has been built in ${config.siteDir}; \`npm start\` builds it.`)
  }
}

function endOnSignals(running: Running): void {
  let ending = false
  const end = (reason: string, code: number) => {
    if (ending) process.exit(code)
    ending = true
    running.logger.info('shutting down', { reason })
    setTimeout(() => process.exit(code), shutdownMs).unref()
    void running.web.close().finally(() => process.exit(code))
  }
  process.on('SIGINT', () => end('SIGINT', 0))
  process.on('SIGTERM', () => end('SIGTERM', 0))
}

try {
  endOnSignals(await start(readConfig()))
} catch (error) {
  const known = error instanceof LabError && error.code === 'CONFIG'
  console.error(known ? error.message : toLabError(error).stack)
  process.exitCode = 1
}
