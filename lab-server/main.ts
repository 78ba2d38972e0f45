import { existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { LabError, toLabError } from '../protocol/index.ts'
import { systemClock } from './clock.ts'
import { createClusterMonitor } from './cluster/cluster-monitor.ts'
import { createProcessDriver } from './cluster/process-driver.ts'
import { startReaper, sweepLeftovers } from './cluster/reaper.ts'
import { newRunDirectory } from './cluster/run-directory.ts'
import { type Config, readConfig } from './config.ts'
import { EtcdClient } from './etcd/etcd-client.ts'
import { createEtcdInspector } from './etcd/inspector.ts'
import { connectMember } from './etcd/member.ts'
import { type EtcdRelease, readEtcdRelease } from './etcd-release.ts'
import { defaultLabLimit } from './lab/lab-limit.ts'
import type { ConnectedShell, LabParts, OpenLabParts } from './lab/lab-parts.ts'
import { Labs } from './lab/labs.ts'
import { createBoot } from './lab/token.ts'
import { endWithSignals } from './lifecycle.ts'
import { createLogger, type Logger } from './logger.ts'
import { createProcessControl } from './providers/process-control.ts'
import { createEtcdRegistry } from './registry/etcd-registry.ts'
import { labLimits } from './registry/naive/naive-limits.ts'
import { createNaiveRegistry } from './registry/naive/naive-registry.ts'
import { createShell, type ShellOptions } from './shell/shell.ts'
import { readVersion } from './version.ts'
import { startWebServer } from './web/web-server.ts'

interface LabLimit {
  readonly max: number
  /** What it was made from. */
  readonly because: string
}

/** What all labs of this server share. */
interface Toolbox {
  readonly config: Config
  readonly release: EtcdRelease
  readonly version: string
}

async function main(): Promise<void> {
  const config = readConfig()
  const logger = createLogger({ level: config.logLevel, format: config.logFormat })
  const toolbox: Toolbox = {
    config,
    release: await readEtcdRelease(config.etcdPath),
    version: readVersion(),
  }
  await sweep(config.dataDir, logger)
  const runDir = newRunDirectory(config.dataDir)
  const reaper = await startReaper(runDir)
  try {
    await serve(toolbox, { runDir, logger, closeReaper: () => reaper.close() })
  } catch (error) {
    await reaper.close()
    throw error
  }
}

async function serve(
  toolbox: Toolbox,
  run: { runDir: string; logger: Logger; closeReaper: () => Promise<void> },
): Promise<void> {
  const { config, release, version } = toolbox
  const { logger } = run
  const limit = chooseLabLimit(config)
  const boot = createBoot()
  const labs = new Labs({
    boot,
    runDir: run.runDir,
    max: limit.max,
    idleMs: config.idleMs,
    openParts: connectParts(toolbox),
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
    },
    health: () => ({
      ok: true,
      version,
      boot,
      etcdVersion: release.version,
      etcdOutdated: release.outdated,
      uptime: Math.round(process.uptime()),
      labs: { running: labs.running, max: labs.max },
    }),
  })
  endWithSignals({
    logger,
    exitWithParent: config.exitWithParent,
    abandon: () => web.bye(),
    shutdown: async () => {
      web.bye()
      await labs.close()
      await run.closeReaper()
      await web.close()
    },
  })
  announce(config, web.url, release, limit)
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

/** The one place that decides which adapters a lab is made of. */
function connectParts({ config, release, version }: Toolbox): OpenLabParts {
  const { etcdPath, etcdctlPath } = config
  const etcdVersion = release.version
  const shared = {
    etcdctl: { path: etcdctlPath, version: etcdVersion },
    program: null,
    versions: { lab: version, etcd: release },
  }
  const openParts = (place: { readonly dir: string; readonly logger: Logger }): LabParts => {
    const driver = createProcessDriver({ etcdPath, etcdVersion, dir: place.dir })
    const monitor = createClusterMonitor({ driver, connect: connectMember })
    const tools = { ...shared, driver, monitor, logger: place.logger }
    return { driver, monitor, openShell: () => openShell(tools, place.dir) }
  }
  return (place) => Promise.resolve(openParts(place))
}

function openShell(
  tools: Omit<ShellOptions, 'registry' | 'naive' | 'inspector' | 'providers'> &
    Pick<LabParts, 'driver'>,
  dir: string,
): ConnectedShell {
  const endpoints = tools.driver.members().map((member) => member.clientUrl)
  const client = new EtcdClient({ endpoints })
  const registry = createEtcdRegistry({
    client,
    // Members die here on purpose: what the registry then puts right is no news.
    onTrouble: (error) => tools.logger.debug('registry trouble', { error: error.message }),
  })
  const naive = createNaiveRegistry({
    client,
    limits: labLimits,
    onTrouble: (error) => tools.logger.debug('naive registry trouble', { error: error.message }),
  })
  const providers = createProcessControl({
    dir,
    endpoints,
    onTrouble: (error) => tools.logger.warn('a provider ended', { error: error.message }),
  })
  const inspector = createEtcdInspector(client)
  const shell = createShell({ ...tools, registry, naive, inspector, providers })
  return {
    run: (line, io) => shell.run(line, io),
    complete: (line, cursor, locale) => shell.complete(line, cursor, locale),
    close: async () => {
      // The cluster goes with its lab. With its client gone the registry has nothing to release,
      // and does not wait for a quorum that the reader took away. The naive one has a connection of
      // its own and waits a second at most.
      client.close()
      await Promise.all([registry.close(), naive.close(), providers.close()])
    },
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

function announce(config: Config, url: string, release: EtcdRelease, limit: LabLimit): void {
  console.log(`Ming Registry Lab: ${url}`)
  if (config.publicUrl !== null) console.log(`  readers use ${config.publicUrl.href}`)
  console.log(
    `  etcd ${release.version}, up to ${limit.max} ${limit.max === 1 ? 'lab' : 'labs'} at once (${limit.because})`,
  )
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
