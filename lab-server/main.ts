import { existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { LabError, toLabError } from '../protocol/index.ts'
import { systemClock } from './clock.ts'
import { startReaper, sweepLeftovers } from './cluster/reaper.ts'
import { newRunDirectory } from './cluster/run-directory.ts'
import { type Config, readConfig } from './config.ts'
import { readEtcdRelease } from './etcd-release.ts'
import { openClusters, type LabClusters, type Toolbox } from './lab-clusters.ts'
import { defaultLabLimit } from './lab/lab-limit.ts'
import { Labs } from './lab/labs.ts'
import { createBoot } from './lab/token.ts'
import { endWithSignals } from './lifecycle.ts'
import { createLogger, type Logger } from './logger.ts'
import { readVersion } from './version.ts'
import { startWebServer } from './web/web-server.ts'

interface LabLimit {
  readonly max: number
  /** What it was made from. */
  readonly because: string
}

async function main(): Promise<void> {
  const config = readConfig()
  const logger = createLogger({ level: config.logLevel, format: config.logFormat })
  const toolbox: Toolbox = {
    config,
    release: await readEtcdRelease(config.etcdPath),
    version: readVersion(),
    logger,
  }
  await sweep(config.dataDir, logger)
  const runDir = newRunDirectory(config.dataDir)
  const clusters = await openClusters(toolbox)
  const reaper = await startReaper(runDir)
  try {
    await serve(toolbox, { runDir, clusters, closeReaper: () => reaper.close() })
  } catch (error) {
    await clusters.close()
    await reaper.close()
    throw error
  }
}

async function serve(
  toolbox: Toolbox,
  run: { runDir: string; clusters: LabClusters; closeReaper: () => Promise<void> },
): Promise<void> {
  const { config, version, logger } = toolbox
  const { clusters } = run
  const { release, shared } = clusters
  const limit = chooseLabLimit(config)
  const boot = createBoot()
  const labs = new Labs({
    boot,
    runDir: run.runDir,
    max: limit.max,
    idleMs: config.idleMs,
    openParts: clusters.openParts,
    clock: systemClock,
    logger,
  })
  const web = await startWebServer({
    ...config,
    labs,
    clock: systemClock,
    logger,
    facts: {
      version,
      boot,
      etcdVersion: release.version,
      etcdOutdated: release.outdated,
      etcdFloor: release.floor,
      idleMinutes: config.idleMs / 60_000,
      ...(shared !== null && { cluster: shared }),
    },
    health: () => ({
      ok: true,
      version,
      boot,
      etcdVersion: release.version,
      etcdOutdated: release.outdated,
      uptime: Math.round(process.uptime()),
      labs: { running: labs.running, max: labs.max },
      cluster: shared,
    }),
  })
  endWithSignals({
    logger,
    exitWithParent: config.exitWithParent,
    abandon: () => web.bye(),
    shutdown: async () => {
      web.bye()
      await labs.close()
      await clusters.close()
      await run.closeReaper()
      await web.close()
    },
  })
  announce(config, web.url, clusters, limit)
}

/** A leftover that resists must not keep the server from starting; the log says what remains. */
async function sweep(dataDir: string, logger: Logger): Promise<void> {
  try {
    const swept = await sweepLeftovers(dataDir)
    if (swept.length > 0) logger.info('removed what an earlier server left', { swept })
  } catch (error) {
    logger.warn('could not remove what an earlier server left', { error })
  }
}

function chooseLabLimit(config: Config): LabLimit {
  if (config.labMax !== null) return { max: config.labMax, because: 'LAB_MAX' }
  const disk = statfsSync(config.dataDir)
  return defaultLabLimit({
    freeMemory: process.availableMemory(),
    freeDisk: disk.bavail * disk.bsize,
  })
}

/** The file system type that Linux gives a tmpfs; elsewhere the number means nothing like it. */
const tmpfsMagic = 0x01021994

function isInMemory(directory: string): boolean {
  return process.platform === 'linux' && statfsSync(directory).type === tmpfsMagic
}

/** What a server says of a cluster that is not each lab's own. */
function describeCluster({ cluster }: Config): string | null {
  switch (cluster.kind) {
    case 'own':
      return null
    case 'compose':
      return `  Note: all labs share the compose stack ${cluster.project}; faults hit every reader. It goes on when this server ends.`
    case 'endpoints':
      return `  Note: all labs are attached to ${cluster.endpoints.join(', ')}; its processes are out of reach.`
  }
}

function announce(config: Config, url: string, { release }: LabClusters, limit: LabLimit): void {
  console.log(`Ming Registry Lab: ${url}`)
  if (config.publicUrl !== null) console.log(`  readers use ${config.publicUrl.href}`)
  console.log(
    `  etcd ${release.version}, up to ${limit.max} ${limit.max === 1 ? 'lab' : 'labs'} at once (${limit.because})`,
  )
  const cluster = describeCluster(config)
  if (cluster !== null) console.log(cluster)
  if (release.outdated) {
    console.log(
      `  Note: etcd ${release.version} is older than the security floor ${release.floor}.`,
    )
  }
  if (isInMemory(config.dataDir)) {
    console.log(
      `  Note: ${config.dataDir} is a tmpfs, so what labs write (about 370 MB each) takes memory. Set LAB_DATA_DIR to a disk.`,
    )
  }
  if (!existsSync(path.join(config.siteDir, 'index.html'))) {
    console.log(`  Note: no site has been built in ${config.siteDir}; \`npm start\` builds it.`)
  }
}

// Whoever read the output is gone; that is no reason to end before it is asked for.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

try {
  await main()
} catch (error) {
  const known = error instanceof LabError && error.code === 'CONFIG'
  console.error(known ? error.message : toLabError(error).stack)
  process.exitCode = 1
}
