import { setTimeout as delay } from 'node:timers/promises'
import type { EtcdInspector } from '../etcd/etcd-inspector.ts'
import type { Registration } from '../registry/registry.ts'
import { nodeOf } from '../shell/commands/service-arguments.ts'
import { messagesFor } from '../shell/messages/messages.ts'
import { leaseIdToHex } from '../shell/quantities.ts'
import { createOutput, type ShellIo } from '../shell/shell.ts'

/** How often a registration is asked how it is; it knows by itself, and etcd is not asked. */
const lookEveryMs = 500

/**
 * Tells when somebody else has taken the address over, and when it has come back. Runs until
 * `io.signal` aborts, and never rejects.
 */
export async function tellOfOwner(
  registration: Registration,
  inspector: EtcdInspector,
  io: ShellIo,
): Promise<void> {
  let told: string | null = null
  while (await waitForNextLook(io.signal)) {
    const other = await findOther(registration, inspector)
    if (other === undefined || other === told || io.signal.aborted) continue
    tell(registration, other, io)
    told = other
  }
}

/** The lease of whoever has it instead; null for nobody, undefined when that cannot be known now. */
async function findOther(
  registration: Registration,
  inspector: EtcdInspector,
): Promise<string | null | undefined> {
  if (registration.state() === 'registered') return null
  try {
    const { found } = await inspector.key(registration.key)
    const isOther = found !== null && found.lease !== '0' && found.lease !== registration.lease().id
    return isOther ? found.lease : undefined
  } catch {
    // The registration tells by itself that etcd cannot be reached.
    return undefined
  }
}

function tell(registration: Registration, other: string | null, io: ShellIo): void {
  const { program } = messagesFor(io.locale)
  const { key, instance } = registration
  const output = createOutput(io)
  const node = nodeOf(instance)
  if (other === null) {
    output.result({ type: 'regained', key }, () => output.print(program.regained({ node }), 'good'))
    return
  }
  const lease = leaseIdToHex(other)
  output.result({ type: 'overtaken', key, lease }, () => {
    output.warn(program.overtaken({ node, lease }), 'warn')
  })
}

async function waitForNextLook(signal: AbortSignal): Promise<boolean> {
  await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}
