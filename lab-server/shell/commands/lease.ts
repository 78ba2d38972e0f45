import type { EtcdInspector, LeaseFacts } from '../../etcd/etcd-inspector.ts'
import type { Command, CommandContext } from '../command.ts'
import { leaseIdFromHex, leaseIdToHex } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { ShellError } from '../shell-error.ts'
import { registryOf } from './tools.ts'

/** As data: the id as etcdctl prints it, and the same in decimal. */
function describeLease({ id, ...facts }: LeaseFacts) {
  return { id: leaseIdToHex(id), decimal: id, ...facts }
}

function remainingText(lease: Pick<LeaseFacts, 'remaining'>, { m }: CommandContext): string {
  return lease.remaining < 0 ? m.lease.expired : m.lease.seconds({ seconds: lease.remaining })
}

async function listLeases(context: CommandContext, inspector: EtcdInspector) {
  const leases = (await context.wait(inspector.leases())).map(describeLease)
  context.result({ leases }, () => printLeases(context, leases))
}

function printLeases(context: CommandContext, leases: readonly ReturnType<typeof describeLease>[]) {
  const { m, prefix } = context
  if (leases.length === 0) {
    context.print(m.lease.none({ prefix }))
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
      lease.id,
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
  const found = await context.wait(inspector.lease(await readLeaseId(context, inspector)))
  context.result(describeLease(found), ({ id, decimal, remaining, grantedTtl, keys }) => {
    context.print(m.lease.decimal({ hex: id, decimal }))
    const facts = { remaining, granted: grantedTtl }
    context.print(remaining < 0 ? m.lease.expired : m.lease.remainingOf(facts))
    context.print(m.lease.keysOf({ count: keys.length }))
    for (const key of keys) context.print(`  ${makeVisibleInline(key)}`)
  })
}

export const lease: Command = {
  name: 'lease',
  aliases: ['leases'],
  requires: ['registry'],
  positionals: [{ name: 'id', required: false, complete: 'leases' }],
  options: [],
  needsQuorum: true,
  examples: ['lease'],
  async run(context) {
    const { inspector } = registryOf(context)
    if (context.args.text('id') === undefined) await listLeases(context, inspector)
    else await showLease(context, inspector)
    return 0
  },
}
