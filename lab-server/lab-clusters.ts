import { mkdir, rm } from 'node:fs/promises'
import type { LabError, SharedKind } from '../protocol/index.ts'
import type { ClusterDriver } from './cluster/cluster-driver.ts'
import { createClusterMonitor } from './cluster/cluster-monitor.ts'
import { attachComposeDriver } from './cluster/compose-driver.ts'
import { attachEndpoints } from './cluster/endpoints-driver.ts'
import { createProcessDriver } from './cluster/process-driver.ts'
import type { ClusterChoice, Config } from './config.ts'
import { EtcdClient } from './etcd/etcd-client.ts'
import { createEtcdInspector } from './etcd/inspector.ts'
import { connectMember } from './etcd/member.ts'
import { judgeEtcdVersion, type EtcdRelease } from './etcd-release.ts'
import type { ConnectedShell, LabParts, OpenLabParts } from './lab/lab-parts.ts'
import { joinCluster, startCluster } from './lab/start-cluster.ts'
import type { Logger } from './logger.ts'
import { createProcessControl } from './providers/process-control.ts'
import { createEtcdRegistry } from './registry/etcd-registry.ts'
import { labLimits } from './registry/naive/naive-limits.ts'
import { createNaiveRegistry } from './registry/naive/naive-registry.ts'
import type { SharedCluster } from './shell/command.ts'
import { createShell, type ShellOptions } from './shell/shell.ts'

/** What all labs of this server share. */
export interface Toolbox {
  readonly config: Config
  /** Of the programs in LAB_ETCD_DIR. */
  readonly release: EtcdRelease
  /** Of the lab itself. */
  readonly version: string
  readonly logger: Logger
}

/** Where labs get their members from. */
export interface LabClusters {
  readonly openParts: OpenLabParts
  /** What the members run. */
  readonly release: EtcdRelease
  /** Null: each lab has members of its own. */
  readonly shared: SharedKind | null
  /** After the labs. A cluster that is not ours goes on. */
  close(): Promise<void>
}

type LabTools = Omit<ShellOptions, 'registry' | 'naive' | 'inspector' | 'providers'> &
  Pick<LabParts, 'driver'>

const statusMs = 1000
/** For taking back what a lab leaves in a cluster that others go on using. */
const cleanMs = 2000

/**
 * The one place that decides which adapters a lab is made of. Rejects `CONFIG` when the cluster to
 * attach to is not there.
 */
export async function openClusters(toolbox: Toolbox): Promise<LabClusters> {
  const { cluster } = toolbox.config
  return cluster.kind === 'own' ? ownClusters(toolbox) : await attachCluster(toolbox, cluster)
}

function ownClusters(toolbox: Toolbox): LabClusters {
  const { config, release } = toolbox
  const openParts = (place: Parameters<OpenLabParts>[0]): LabParts => {
    const { dir } = place
    const { etcdPath } = config
    const driver = createProcessDriver({ etcdPath, etcdVersion: release.version, dir })
    const monitor = createClusterMonitor({ driver, connect: connectMember })
    const tools = { ...commonTools(toolbox, release), driver, monitor, logger: place.logger }
    return {
      driver,
      monitor,
      start: (options) => startCluster({ driver, monitor }, options),
      openShell: () => openShell(tools, dir),
      async close() {
        await monitor.close()
        await driver.close()
      },
    }
  }
  return {
    openParts: (place) => Promise.resolve(openParts(place)),
    release,
    shared: null,
    close: () => Promise.resolve(),
  }
}

/** One cluster, with one driver and one monitor, for all labs. */
async function attachCluster(
  toolbox: Toolbox,
  choice: Exclude<ClusterChoice, { kind: 'own' }>,
): Promise<LabClusters> {
  const driver = await attachDriver(choice, toolbox.logger)
  const monitor = createClusterMonitor({ driver, connect: connectMember })
  const version = await askVersion(driver)
  const release = version === null ? toolbox.release : judgeEtcdVersion(version)
  const openParts: OpenLabParts = async ({ id, dir, logger }) => {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const namespace = choice.kind === 'compose' ? `/ming-lab/${id}` : ''
    const common = commonTools(toolbox, release)
    const shared: SharedCluster = { kind: choice.kind, namespace }
    const etcdctl = { ...common.etcdctl, dir }
    const tools = { ...common, etcdctl, shared, driver, monitor, logger }
    return {
      driver,
      monitor,
      start: (options) => joinCluster({ driver, monitor }, options),
      openShell: () => openShell(tools, dir),
      close: () => rm(dir, { recursive: true, force: true, maxRetries: 3 }),
    }
  }
  return {
    openParts,
    release,
    shared: choice.kind,
    async close() {
      await monitor.close()
      await driver.close()
    },
  }
}

async function attachDriver(
  choice: Exclude<ClusterChoice, { kind: 'own' }>,
  logger: Logger,
): Promise<ClusterDriver> {
  if (choice.kind === 'endpoints') {
    return await attachEndpoints({ endpoints: choice.endpoints, connect: connectMember })
  }
  const onTrouble = (error: LabError) => logger.warn('compose trouble', { error: error.message })
  return await attachComposeDriver({ project: choice.project, onTrouble })
}

/** Of the first member that answers; null when none does. */
async function askVersion(driver: ClusterDriver): Promise<string | null> {
  const asking = driver.members().map(async ({ clientUrl }) => {
    const member = connectMember(clientUrl)
    try {
      return (await member.status({ deadlineMs: statusMs })).version
    } finally {
      member.close()
    }
  })
  return await Promise.any(asking).catch(() => null)
}

/** @param members what they run; etcdctl is ours, and may be another version */
function commonTools({ config, release, version }: Toolbox, members: EtcdRelease) {
  return {
    etcdctl: { path: config.etcdctlPath, version: release.version },
    program: null,
    versions: { lab: version, etcd: members },
  }
}

function openShell(tools: LabTools, dir: string): ConnectedShell {
  const endpoints = tools.driver.members().map((member) => member.clientUrl)
  const namespace = tools.shared?.namespace ?? ''
  const client = new EtcdClient({ endpoints, namespace })
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
    namespace,
    onTrouble: (error) => tools.logger.warn('a provider ended', { error: error.message }),
  })
  const inspector = createEtcdInspector(client)
  const shell = createShell({ ...tools, registry, naive, inspector, providers })
  const closeAll = () => Promise.all([registry.close(), naive.close(), providers.close()])
  return {
    run: (line, io) => shell.run(line, io),
    complete: (line, cursor, locale) => shell.complete(line, cursor, locale),
    close: async () => {
      if (tools.shared === undefined) {
        // The cluster goes with its lab. With its client gone the registry has nothing to release,
        // and does not wait for a quorum that the reader took away. The naive one has a connection
        // of its own and waits a second at most.
        client.close()
        await closeAll()
        return
      }
      await closeAll()
      if (namespace !== '') await removeKeys(client, tools.logger)
      client.close()
    },
  }
}

/** All keys of this reader. Without a quorum they stay; those of a lease go with it. */
async function removeKeys(client: EtcdClient, logger: Logger): Promise<void> {
  try {
    await client.deleteRange({ prefix: '' }, { deadlineMs: cleanMs })
  } catch (error) {
    logger.warn('keys of a lab stay in the shared cluster', { namespace: client.namespace, error })
  }
}
