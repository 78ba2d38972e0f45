import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRegistry, type OpenRegistry } from '../../lab-server/open-registry.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { RegistryChange, ServiceId } from '../../lab-server/registry/registry.ts'
import { instruments, type InstrumentRow } from '../../lab-server/telemetry/instruments.ts'
import { collectTelemetry, type CollectedTelemetry } from '../helpers/collected-telemetry.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { waitFor } from '../helpers/wait-for.ts'

const rows: readonly InstrumentRow[] = Object.values(instruments)

let world: RegistryWorld
let telemetry: CollectedTelemetry
let opened: OpenRegistry[]
let service: ServiceId
let count = 0

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
})
afterAll(async () => {
  context.disable()
  await world.close()
})
beforeEach(async () => {
  await world.heal()
  count += 1
  service = { name: `Told${count}`, version: '1.0' }
  telemetry = collectTelemetry()
  opened = []
})
afterEach(async () => {
  await Promise.all(opened.map((each) => each.close()))
  await telemetry.close()
})

function open(options: { guardMs?: number } = {}): OpenRegistry {
  const endpoints = world.driver.members().map(({ clientUrl }) => clientUrl)
  const { meterProvider, tracerProvider } = telemetry
  const registry = openRegistry({ endpoints, ...options }, { meterProvider, tracerProvider })
  opened.push(registry)
  return registry
}

const instance = (port: number) => instanceAt(service, port)

/** The history goes on, so that what is restored lies clearly behind. */
async function moveOn(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await world.etcd.put({ key: 'elsewhere', value: String(n) })
}

/** Does the work in a span of the caller's own. */
async function inSpan<T>(work: () => Promise<T>): Promise<T> {
  const span = telemetry.tracerProvider.getTracer('caller').startSpan('caller')
  try {
    return await context.with(trace.setSpan(context.active(), span), work)
  } finally {
    span.end()
  }
}

function spansNamed(name: string): ReadableSpan[] {
  return telemetry.spans().filter((span) => span.name === name)
}

function onlySpan(name: string): ReadableSpan {
  const found = spansNamed(name)
  expect(found.map((span) => span.name)).toEqual([name])
  return found[0]!
}

function childrenOf(parent: ReadableSpan): ReadableSpan[] {
  const { spanId } = parent.spanContext()
  return telemetry.spans().filter((span) => span.parentSpanContext?.spanId === spanId)
}

/** The row that a span, an event or an instrument belongs to. */
function rowOf(name: string): InstrumentRow | undefined {
  if (name.startsWith('etcdserverpb.')) return instruments.call
  return rows.find((row) => row.name === name)
}

interface Told {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Everything that has been told so far. */
async function everythingTold(): Promise<readonly Told[]> {
  const spans = telemetry.spans().filter((span) => span.instrumentationScope.name !== 'caller')
  const events = spans.flatMap((span) => span.events)
  return [
    ...spans,
    ...events.map(({ name, attributes = {} }) => ({ name, attributes })),
    ...(await telemetry.points()),
  ]
}

async function valueOf(row: InstrumentRow, attributes: Record<string, unknown>) {
  const points = await telemetry.points()
  const found = points.find(
    (point) =>
      point.name === row.name &&
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
  )
  return found?.value
}

describe('the spans of an operation', () => {
  it('hang under the caller’s, and show every attempt while the leader dies', async () => {
    const { registry } = open()
    await world.driver.kill(await world.leader())
    await inSpan(() => registry.register(instance(1), { ttlSeconds: 30 }))
    const register = onlySpan(instruments.register.name)
    expect(childrenOf(onlySpan('caller'))).toEqual([register])
    expect(register.attributes).toEqual({
      'ming.registry.service': `${service.name}:1.0`,
      'ming.registry.key': `/rpc/${service.name}:1.0/localhost:1`,
    })
    // Where the first attempt of the grant was executed without an answer, the lease is looked up.
    const calls = childrenOf(register).filter(({ name }) => !name.endsWith('TimeToLive'))
    const names = calls.map((call) => call.name)
    expect(names).toEqual(['etcdserverpb.Lease/LeaseGrant', 'etcdserverpb.KV/Txn'])
    for (const call of calls) {
      expect(call.attributes).toMatchObject({
        'rpc.system.name': 'grpc',
        'rpc.method': call.name,
        'db.system.name': 'etcd',
        'server.address': expect.stringMatching(/^\/.*\.sock/) as unknown,
      })
      const attempts = call.events.filter(({ name }) => name === instruments.attempt.name)
      expect(call.attributes['ming.etcd.call.attempts']).toBe(attempts.length)
      expect(attempts.map(({ attributes }) => attributes?.['ming.etcd.attempt.number'])).toEqual(
        attempts.map((_, index) => index + 1),
      )
    }
    const [grant, txn] = calls
    expect(txn?.attributes['rpc.response.status_code']).toBe('OK')
    expect(Number(grant?.attributes['ming.etcd.call.attempts'])).toBeGreaterThan(1)
    expect(
      await valueOf(instruments.failovers, { 'rpc.method': 'etcdserverpb.Lease/LeaseGrant' }),
    ).toBe(Number(grant?.attributes['ming.etcd.call.attempts']) - 1)
  })

  it('carry the code of what went wrong', async () => {
    const { registry } = open()
    await expect(registry.deregister(instance(1))).rejects.toMatchObject({ code: 'NOT_REGISTERED' })
    const span = onlySpan(instruments.deregister.name)
    expect(span.attributes['error.type']).toBe('NOT_REGISTERED')
    const failed = { 'ming.registry.operation': 'deregister', 'error.type': 'NOT_REGISTERED' }
    expect(await valueOf(instruments.operationDuration, failed)).toBe(1)
  })

  it('leave what goes on in the background to stand alone, with a link', async () => {
    const { registry } = open({ guardMs: 0 })
    const copy = await world.save()
    await inSpan(() => registry.follow(service))
    const follow = onlySpan(instruments.follow.name)
    expect(childrenOf(follow).map(({ name }) => name)).toEqual(['etcdserverpb.KV/Range'])
    await moveOn()
    await world.restore(copy, { token: 'another' })
    await waitFor('the list after the restore', () => {
      const lists = spansNamed('etcdserverpb.KV/Range').filter(({ links }) => links.length > 0)
      return lists.length > 0 || 'no span with a link'
    })
    const [later] = spansNamed('etcdserverpb.KV/Range').filter(({ links }) => links.length > 0)
    expect(later?.parentSpanContext).toBeUndefined()
    expect(later?.links.map((link) => link.context)).toEqual([follow.spanContext()])
  })
})

describe('a registration that is lost', () => {
  it('has a span until it is back, and is counted with its reason', async () => {
    const { registry } = open()
    const registration = await inSpan(() => registry.register(instance(1)))
    const before = registration.lease().id
    await world.etcd.leaseRevoke(before)
    await waitFor('it to be back on another lease', async () => {
      const reason = { 'ming.registry.reregister.reason': 'lease-lost' }
      const back = await valueOf(instruments.reregistrations, reason)
      return (back === 1 && registration.lease().id !== before) || `${back} are back`
    })
    expect(await valueOf(instruments.leasesLost, {})).toBe(1)
    const span = onlySpan(instruments.reregister.name)
    expect(span.parentSpanContext).toBeUndefined()
    expect(childrenOf(span).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['etcdserverpb.Lease/LeaseGrant', 'etcdserverpb.KV/Txn']),
    )
  })
})

describe('the gauges', () => {
  const registered = { 'ming.registry.registration.state': 'registered' }

  it('tell several registries of a process as one, and go with the last', async () => {
    const [one, other] = [open(), open()]
    await one.registry.register(instance(1))
    await other.registry.register(instance(2))
    await other.registry.register(instance(3))
    await one.registry.follow(service)
    await other.registry.follow(service)
    expect(await valueOf(instruments.registrations, registered)).toBe(3)
    expect(await valueOf(instruments.leases, {})).toBe(2)
    expect(await valueOf(instruments.leaseKeys, {})).toBe(2)
    expect(await valueOf(instruments.views, { 'ming.registry.view.trust': 'live' })).toBe(2)
    expect(await valueOf(instruments.viewRevision, {})).toBeGreaterThan(1)
    expect(await valueOf(instruments.viewAge, {})).toBeLessThan(5)

    await other.close()
    expect(await valueOf(instruments.registrations, registered)).toBe(1)
    await one.close()
    expect(await pointsOfGauges()).toEqual([])
  })

  it('come and go with registries, however many', async () => {
    for (let round = 0; round < 20; round += 1) await open().close()
    expect(await pointsOfGauges()).toEqual([])
    const last = open()
    expect(await valueOf(instruments.registrations, registered)).toBe(0)
    await last.close()
    expect(await pointsOfGauges()).toEqual([])
  })

  /** Those that somebody still observes. */
  async function pointsOfGauges() {
    await telemetry.news()
    const names = rows.filter(({ kind }) => kind === 'gauge').map(({ name }) => name)
    return (await telemetry.news()).filter(({ name }) => names.includes(name))
  }
})

describe('everything in the table', () => {
  it('is told in the life of a registry, with no attribute that the table lacks', async () => {
    const { registry } = open({ guardMs: 2000 })
    const copy = await world.save()
    const stop = new AbortController()
    try {
      await leadALife(registry, stop.signal)
      await moveOn()
      await world.restore(copy)
      await waitFor('the guard to let go of what did not come back', async () => {
        const released = { 'ming.registry.guard.transition': 'released' }
        return ((await valueOf(instruments.guarded, released)) ?? 0) > 0 || 'nothing released'
      })
      await waitFor('the registration to be back', async () => {
        const back = await valueOf(instruments.reregistrations, {})
        return (back ?? 0) > 0 || 'no re-registration'
      })
      const [registration] = registry.registrations()
      await world.etcd.leaseRevoke(registration?.lease().id ?? '0')
      await waitFor('the lease to be missed', async () => {
        return ((await valueOf(instruments.leasesLost, {})) ?? 0) > 0 || 'no lease is lost'
      })
    } finally {
      stop.abort()
    }
    const told = await everythingTold()
    const toldRows = new Set(told.map(({ name }) => rowOf(name)?.name ?? `unknown ${name}`))
    expect([...toldRows].toSorted()).toEqual(rows.map(({ name }) => name).toSorted())
    const foreign = told.flatMap(({ name, attributes }) =>
      Object.keys(attributes)
        .filter((key) => !rowOf(name)?.attributes.some((known) => known === key))
        .map((key) => `${name} ${key}`),
    )
    expect(foreign).toEqual([])
    const descriptors = await telemetry.descriptors()
    for (const { name, unit, description } of rows.filter((row) => row.unit !== null))
      expect(descriptors.get(name)).toEqual({ unit, description: description.en })
  })

  /** Everything that a registry does and lives through, short of losing its cluster's history. */
  async function leadALife(registry: OpenRegistry['registry'], signal: AbortSignal) {
    const followed = await registry.follow(service)
    const [first, second] = [
      await registry.register(instance(1)),
      await registry.register(instance(2)),
    ]
    await world.etcd.put({ key: `/rpc/${service.name}:1.0/localhost:9`, value: 'no JSON' })
    // Nobody puts it back.
    await world.etcd.put({
      key: `/rpc/${service.name}:1.0/localhost:3`,
      value: JSON.stringify(instance(3)),
    })
    await waitFor('the view to have seen all four', () => {
      const { instances, undecodable } = followed.current()
      return (instances.length === 3 && undecodable.length === 1) || `${instances.length} instances`
    })
    await registry.discover(service)
    await registry.services()
    await second.drain()
    await second.release()
    await expect(registry.deregister(instance(2))).rejects.toMatchObject({ code: 'NOT_REGISTERED' })
    const { revision } = await registry.discover(service)
    await world.etcd.put({ key: 'anything', value: '' })
    await world.compact()
    expect(await nextChange(registry.watch(service, { signal, fromRevision: '1' }))).toMatchObject({
      type: 'relisted',
      because: 'compacted',
    })
    expect(Number(revision)).toBeGreaterThan(1)
    await world.driver.kill(await world.leader())
    await registry.discover(service)
    await world.heal()
    expect(first.state()).toBe('registered')
  }
})

async function nextChange(changes: AsyncIterable<RegistryChange>): Promise<RegistryChange> {
  for await (const change of changes) return change
  throw new Error('the watch ended')
}
