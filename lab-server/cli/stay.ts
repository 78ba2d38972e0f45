import type { OpenRegistry } from '../open-registry.ts'
import type { Registration } from '../registry/registry.ts'
import { nodeOf } from '../shell/commands/service-arguments.ts'
import { messagesFor } from '../shell/messages/messages.ts'
import { createOutput, type ShellIo } from '../shell/shell.ts'
import { ShellError } from '../shell/shell-error.ts'
import { tellOfOwner } from './overtaken.ts'

/**
 * A lab keeps what was registered; in an ordinary shell the program itself does. Stays until it is
 * told to stop and then takes everything back. Rejects when etcd has not confirmed that.
 */
export async function keepRegistrations(
  { registry, inspector }: Pick<OpenRegistry, 'registry' | 'inspector'>,
  io: ShellIo,
): Promise<void> {
  const registrations = registry.registrations()
  if (registrations.length === 0) return
  await Promise.all(registrations.map((each) => tellOfOwner(each, inspector, io)))
  await Promise.all(registrations.map((registration) => release(registration, io)))
}

async function release(registration: Registration, io: ShellIo): Promise<void> {
  const { instance, key } = registration
  const node = nodeOf(instance)
  const output = createOutput(io)
  try {
    // Consumers are told that the provider leaves; whether or not that worked, it ends.
    await Promise.allSettled([registration.drain()])
    await registration.release()
  } catch (cause) {
    const facts = { node, seconds: registration.lease().ttlSeconds }
    throw new ShellError('TIMEOUT', (m) => m.program.notReleased(facts), { cause })
  }
  output.result({ type: 'deregistered', key }, () => {
    output.print(messagesFor(io.locale).program.released({ node }), 'good')
  })
}
