/**
 * One provider: opens a port, registers itself, answers calls, and prints one line of JSON when it
 * does (or why it cannot). SIGTERM drains it: it marks its instance, waits, deregisters and ends.
 * When the pipe on its standard input closes, the server that started it is gone, and so is this.
 *
 * Usage: node provider-process.ts <directory of the lab> <settings as JSON>
 *
 * The directory is not used: it stands in the arguments so that the reaper finds this process.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { flushCompileCache } from 'node:module'
import { toLabError } from '../../protocol/index.ts'
import { EtcdClient } from '../etcd/etcd-client.ts'
import { createEtcdRegistry } from '../registry/etcd-registry.ts'
import type { Registration, ServiceInstance } from '../registry/registry.ts'
import {
  providerHost,
  type ProviderReport,
  providerSettings,
  type ProviderSettings,
} from './provider-contract.ts'
import { type ProviderServer, serveCalls } from './provider-server.ts'

/** For consumers to hear that this provider is draining, milliseconds. */
const graceMs = 500
/** What cannot be deregistered within this is left to its lease. */
const drainLimitMs = 10_000

process.stdin.resume()
process.stdin.once('close', () => process.exit(1))
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const ending = new AbortController()
process.once('SIGTERM', () => {
  setTimeout(() => process.exit(1), drainLimitMs).unref()
  ending.abort()
})

const settings = providerSettings.parse(JSON.parse(process.argv[3] ?? ''))
try {
  await provide(settings)
  process.exit(0)
} catch (error) {
  const { code, message } = toLabError(error)
  report({ failed: { code, message } })
  process.exit(1)
}

async function provide(settings: ProviderSettings) {
  const { name, service, ttlSeconds, weight, endpoints, namespace } = settings
  const server = await serveCalls(name)
  const client = new EtcdClient({ endpoints, namespace })
  const registry = createEtcdRegistry({
    client,
    onTrouble: (error) => process.stderr.write(`${error.message}\n`),
  })
  const instance: ServiceInstance = {
    serviceName: service.name,
    serviceVersion: service.version,
    serviceHost: providerHost,
    servicePort: server.port,
    serviceGroup: 'default',
    extra: { weight },
  }
  try {
    const registration = await registry.register(instance, { ttlSeconds, signal: ending.signal })
    report({ port: server.port })
    // The next provider of this lab starts from it, sooner and in less memory.
    flushCompileCache()
    await aborted(ending.signal)
    await drain(registration, server)
  } finally {
    await registry.close()
    client.close()
    server.close()
  }
}

/** Consumers leave first, then the registration goes. */
async function drain(registration: Registration, server: ProviderServer): Promise<void> {
  await registration.drain()
  await delay(graceMs)
  await server.idle()
  await registration.release()
  // Whoever chose this instance just before.
  await server.idle()
}

function report(line: ProviderReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
