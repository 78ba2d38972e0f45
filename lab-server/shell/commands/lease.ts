import type { EtcdInspector, LeaseFacts } from '../../etcd/etcd-inspector.ts'
import type { Command, CommandContext } from '../command.ts'
import { leaseIdFromHex, leaseIdToHex } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { ShellError } from '../shell-error.ts'
import { registryOf } from './tools.ts'

function remainingText(lease: LeaseFacts, { m }: CommandContext): string {
  return lease.remaining < 0 ? m.lease.expired : m.lease.seconds({ seconds: lease.remaining })
}

async function listLeases(context: CommandContext, inspector: EtcdInspector) {
  const { m } = context
  const leases = await context.wait(inspector.leases())
  if (leases.length === 0) {
    context.print(m.lease.none)
    return
  }
  context.printTable(
    [
      { title: m.lease.id },
      { title: m.lease.remaining, align: 'right' },
      { title: m.lease.granted, align: 'right' },
      { title: m.lease.keys, align: 'right' },
    ],
    leases.map((lease) => [
      leaseIdToHex(lease.id),
      remainingText(lease, context),
      m.lease.seconds({ seconds: lease.grantedTtl }),
      String(lease.keys.length),
    ]),
  )
  context.print(m.lease.total({ count: leases.length }), 'dim')
}

/**
 * The decimal id a reader means: hexadecimal as etcdctl prints it; a decimal id is taken where it
 * is the id of a lease that exists and the hexadecimal reading is not.
 */
async function readLeaseId(context: CommandContext, inspector: EtcdInspector): Promise<string> {
  const text = context.args.required('id').toLowerCase()
  const fromHex = leaseIdFromHex(text)
  const id = makeVisibleInline(text)
  if (fromHex === null && !/^\d{1,19}$/.test(text)) {
    throw new ShellError('USAGE', (m) => m.lease.malformed({ id }))
  }
  const known = await context.wait(inspector.leases())
  const found = known.find((lease) => lease.id === fromHex || lease.id === text)
  if (found === undefined) throw new ShellError('LEASE_LOST', (m) => m.lease.unknown({ id }))
  return found.id
}

async function showLease(context: CommandContext, inspector: EtcdInspector) {
  const { m } = context
  const lease = await context.wait(inspector.lease(await readLeaseId(context, inspector)))
  const hex = leaseIdToHex(lease.id)
  context.print(m.lease.decimal({ hex, decimal: lease.id }))
  const facts = { remaining: lease.remaining, granted: lease.grantedTtl }
  context.print(lease.remaining < 0 ? m.lease.expired : m.lease.remainingOf(facts))
  context.print(m.lease.keysOf({ count: lease.keys.length }))
  for (const key of lease.keys) context.print(`  ${makeVisibleInline(key)}`)
}

export const lease: Command = {
  name: 'lease',
  aliases: ['leases'],
  requires: ['registry'],
  positionals: [{ name: 'id', required: false, complete: 'leases' }],
  options: [],
  examples: ['lease'],
  async run(context) {
    const { inspector } = registryOf(context)
    if (context.args.text('id') === undefined) await listLeases(context, inspector)
    else await showLease(context, inspector)
    return 0
  },
}
