import { toLabError } from '../../../protocol/index.ts'
import type { EtcdInspector, RawKey } from '../../etcd/etcd-inspector.ts'
import { decodeInstance } from '../../registry/codec.ts'
import { formatServiceId, keyText, parseInstanceKey, rpcRoot } from '../../registry/service-key.ts'
import type { Arguments, Command, CommandContext } from '../command.ts'
import { ShellError } from '../shell-error.ts'
import { describeLeaseId } from './discover.ts'
import { registryOf } from './tools.ts'

/** More would be no use on a screen; in a pipe, too, it is one answer of etcd. */
const mostKeys = 10_000

/** Null = as it is now. */
function readRevision(args: Arguments): string | null {
  const text = args.text('rev')
  if (text === undefined) return null
  if (/^[1-9]\d{0,18}$/.test(text)) return text
  throw new ShellError('USAGE', (m) => m.snapshot.noRevision({ text }))
}

/** A key as it stood at the revision of the snapshot. */
function describeKey({ key, value, lease, createRevision, modRevision }: RawKey) {
  const decoded = decodeInstance(value)
  return {
    key: keyText(key),
    value: Buffer.from(value).toString(),
    createRevision,
    modRevision,
    lease: describeLeaseId(lease),
    undecodable: decoded.ok ? null : decoded.reason,
  }
}

async function takeSnapshot(inspector: EtcdInspector, wanted: string | null, signal: AbortSignal) {
  const at = wanted === null ? {} : { revision: wanted }
  const found = await inspector.keys(rpcRoot, { ...at, limit: mostKeys, signal })
  const keys = found.keys.map(describeKey)
  return { revision: wanted ?? found.revision, count: found.count, keys }
}

/** A client that asks for a later revision than etcd has usually knows another history. */
function refuse(error: unknown, wanted: string | null): never {
  if (wanted === null || toLabError(error).code !== 'HISTORY_CHANGED') throw error
  throw new ShellError('USAGE', (m) => m.snapshot.notYet({ revision: wanted }))
}

type Snapshot = Awaited<ReturnType<typeof takeSnapshot>>

/** A key outside the format has neither a service nor an address: it is shown as it is. */
function toRow({ key, modRevision, lease, undecodable }: Snapshot['keys'][number], none: string) {
  const parsed = parseInstanceKey(key)
  const names =
    parsed === null ? [key, ''] : [formatServiceId(parsed.service), `${parsed.host}:${parsed.port}`]
  return [...names, modRevision, lease ?? none, undecodable ?? '']
}

function printSnapshot(context: CommandContext, { revision, count, keys }: Snapshot) {
  const { m } = context
  if (keys.length > 0) {
    context.printTable(
      [
        { title: m.services.service },
        { title: m.discover.address },
        { title: m.discover.revision, align: 'right' },
        { title: m.discover.lease },
        { title: m.snapshot.problem },
      ],
      keys.map((each) => toRow(each, m.discover.noLease)),
    )
  }
  context.print(m.snapshot.total({ count, revision }))
  if (count > keys.length) context.print(m.snapshot.cut({ shown: keys.length }), 'warn')
}

export const snapshot: Command = {
  name: 'snapshot',
  aliases: [],
  requires: ['registry'],
  positionals: [],
  options: [{ kind: 'text', name: 'rev', value: 'revision' }],
  needsQuorum: true,
  examples: ['snapshot', 'snapshot --rev 120'],
  async run(context) {
    const { inspector } = registryOf(context)
    const wanted = readRevision(context.args)
    const taken = await context
      .wait(takeSnapshot(inspector, wanted, context.signal))
      .catch((error: unknown) => refuse(error, wanted))
    context.result(taken, (data) => printSnapshot(context, data))
    return 0
  },
}
