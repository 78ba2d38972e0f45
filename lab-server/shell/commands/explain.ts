import type { EtcdInspector, LeaseFacts, RawKey } from '../../etcd/etcd-inspector.ts'
import { decodeInstance } from '../../registry/codec.ts'
import { instanceKey } from '../../registry/service-key.ts'
import type { ServiceInstance } from '../../registry/registry.ts'
import type { Command, CommandContext } from '../command.ts'
import { displayWidth, padToWidth } from '../display-width.ts'
import { leaseIdToHex } from '../quantities.ts'
import { bytesToVisibleInline, makeVisibleInline } from '../sanitize.ts'
import { ShellError } from '../shell-error.ts'
import { readInstance, servicePositional, versionOption } from './service-arguments.ts'
import { registryOf } from './tools.ts'

/** Java providers write IPv6 without brackets, so the same instance may stand under either key. */
function possibleKeys(instance: ServiceInstance): readonly string[] {
  const bare = instance.serviceHost.replace(/^\[(.*)\]$/, '$1')
  return [...new Set([instanceKey(instance), instanceKey({ ...instance, serviceHost: bare })])]
}

async function findKey(inspector: EtcdInspector, keys: readonly string[]) {
  for (const key of keys) {
    const { found, revision } = await inspector.key(key)
    if (found !== null) return { key, found, revision }
  }
  const [key = ''] = keys
  throw new ShellError('NOT_REGISTERED', (m) => m.explain.absent({ key: makeVisibleInline(key) }))
}

/** Null when the key has none, or when it has ended meanwhile: `gone`. */
async function findLease(inspector: EtcdInspector, { lease }: RawKey) {
  if (lease === '0') return null
  const [facts] = await inspector.findLeases([lease])
  return facts === undefined ? { id: leaseIdToHex(lease), gone: true as const } : describe(facts)
}

function describe({ id, remaining, grantedTtl, keys }: LeaseFacts) {
  return { id: leaseIdToHex(id), gone: false as const, remaining, grantedTtl, keys: keys.length }
}

type DescribedLease = Awaited<ReturnType<typeof findLease>>

async function explainInstance(inspector: EtcdInspector, instance: ServiceInstance) {
  const { key, found, revision } = await findKey(inspector, possibleKeys(instance))
  const decoded = decodeInstance(found.value)
  return {
    key,
    value: Buffer.from(found.value).toString(),
    createRevision: found.createRevision,
    modRevision: found.modRevision,
    version: found.version,
    lease: await findLease(inspector, found),
    instance: decoded.ok ? decoded.value : null,
    undecodable: decoded.ok ? null : decoded.reason,
    revision,
  }
}

type Explanation = Awaited<ReturnType<typeof explainInstance>>

function leaseWords(lease: DescribedLease, { m }: CommandContext): string {
  if (lease === null) return m.explain.noLease
  if (lease.gone) return m.explain.leaseGone(lease)
  if (lease.remaining < 0) return m.explain.leaseOverdue(lease)
  return m.explain.lease({ ...lease, granted: lease.grantedTtl })
}

function printExplanation(context: CommandContext, explained: Explanation) {
  const { m } = context
  const { version, lease, undecodable } = explained
  const rows = [
    [m.explain.key, makeVisibleInline(explained.key)],
    [m.explain.value, bytesToVisibleInline(Buffer.from(explained.value))],
    [m.explain.created, m.explain.atRevision({ revision: explained.createRevision })],
    [m.explain.modified, m.explain.modifiedAt({ revision: explained.modRevision, version })],
    [m.explain.leaseTitle, leaseWords(lease, context)],
  ] as const
  const width = Math.max(...rows.map(([title]) => displayWidth(title)))
  for (const [title, text] of rows) context.print(`${padToWidth(title, width, 'left')}  ${text}`)
  if (lease === null) context.print(m.explain.neverExpires, 'warn')
  if (undecodable !== null) {
    context.print(m.explain.undecodable({ reason: makeVisibleInline(undecodable) }), 'warn')
  }
  context.print(m.explain.seenAt({ revision: explained.revision }), 'dim')
}

export const explain: Command = {
  name: 'explain',
  aliases: [],
  requires: ['registry'],
  positionals: [
    servicePositional,
    { name: 'address', required: true, placeholder: '<host:port>', complete: 'addresses' },
  ],
  options: [versionOption],
  needsQuorum: true,
  examples: ['explain UserService 127.0.0.1:8080'],
  async run(context) {
    const { inspector } = registryOf(context)
    const instance = readInstance(context.args, 'default')
    const explained = await context.wait(explainInstance(inspector, instance))
    context.result(explained, (data) => printExplanation(context, data))
    return 0
  },
}
