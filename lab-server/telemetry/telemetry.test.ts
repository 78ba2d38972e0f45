import { metrics, trace } from '@opentelemetry/api'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { grpcStatus } from './grpc-status.ts'
import { serverOf } from './spans.ts'
import { Telemetry } from './telemetry.ts'

afterEach(() => {
  metrics.disable()
  trace.disable()
})

const call = { service: 'KV', method: 'range' }

/** Counts how often it is asked. */
function counter<T>(answer: T) {
  const counted = { calls: 0, ask: () => answer }
  counted.ask = () => {
    counted.calls += 1
    return answer
  }
  return counted
}

describe('while nobody listens', () => {
  it('does the work and asks for nothing', async () => {
    const telemetry = new Telemetry()
    const describe = counter({})
    const facts = counter({ registrations: [], views: [] })
    telemetry.observe(facts.ask)
    const work = (left: number, right: number) => Promise.resolve(left + right)
    expect(await telemetry.operation('discover', describe.ask, work, 1, 2)).toBe(3)
    expect(telemetry.startCall(call)).toBeNull()
    expect(telemetry.startReregistration('key', 'key-lost')).toBeNull()
    expect(telemetry.counts).toBe(false)
    expect([describe.calls, facts.calls]).toEqual([0, 0])
  })
})

describe('a global provider', () => {
  it('is found when it is set after the registry was opened, and left when it is gone', () => {
    const telemetry = new Telemetry()
    expect(telemetry.startCall(call)).toBeNull()
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    expect(telemetry.startCall(call)).not.toBeNull()
    expect(telemetry.counts).toBe(false)
    metrics.setGlobalMeterProvider(new MeterProvider())
    expect(telemetry.counts).toBe(true)
    trace.disable()
    metrics.disable()
    expect(telemetry.startCall(call)).toBeNull()
    expect(telemetry.counts).toBe(false)
  })

  it('stands back behind one that is given', () => {
    const nobody = metrics.getMeterProvider()
    metrics.setGlobalMeterProvider(new MeterProvider())
    expect(new Telemetry({ meterProvider: nobody }).counts).toBe(false)
  })
})

describe('server.address and server.port', () => {
  it.each([
    ['http://127.0.0.1:2379', { 'server.address': '127.0.0.1', 'server.port': 2379 }],
    ['https://[::1]:2379', { 'server.address': '::1', 'server.port': 2379 }],
    ['unix:///run/etcd.sock', { 'server.address': '/run/etcd.sock' }],
  ])('of %s', (endpoint, expected) => {
    expect(serverOf(endpoint)).toEqual(expected)
  })
})

describe('the status of a call', () => {
  it('is what the member answered, else what gRPC would call our own giving up', () => {
    const answered = new LabError('LEASE_LOST', '', { details: { grpc: 5 } })
    expect(grpcStatus(answered)).toBe('NOT_FOUND')
    expect(grpcStatus(new LabError('TIMEOUT', ''))).toBe('DEADLINE_EXCEEDED')
    expect(grpcStatus(new LabError('QUORUM_LOST', ''))).toBe('UNAVAILABLE')
    expect(grpcStatus(new LabError('INTERRUPTED', ''))).toBe('CANCELLED')
    expect(grpcStatus(new LabError('INTERNAL', ''))).toBe('UNKNOWN')
  })
})
