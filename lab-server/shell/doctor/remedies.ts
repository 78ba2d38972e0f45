import type { MemberProcess } from '../../cluster/cluster-driver.ts'
import { formatServiceId, parseInstanceKey } from '../../registry/service-key.ts'
import { quoteWord } from '../parse-line.ts'
import type { Finding } from './diagnose.ts'

/** Where a reader types a remedy. */
export interface RemedyScene {
  /** What stands before one of our commands: nothing in a lab. */
  readonly prefix: string
  /** What etcdctl has to be told to reach this etcd; null in a lab, where it knows. */
  readonly endpoints: readonly string[] | null
  /** Stands before every key in etcd, where etcdctl sees it; empty for none. */
  readonly namespace: string
  /** Whose processes can be brought back from here: nobody's outside a lab. */
  readonly members: readonly Pick<MemberProcess, 'name' | 'clientUrl' | 'state'>[]
}

/**
 * The commands that mend a finding, ready to be typed; empty where no command does. What deletes
 * comes after what looks.
 */
export function remediesFor(finding: Finding, scene: RemedyScene): readonly string[] {
  const etcdctl = etcdctlOf(scene)
  switch (finding.kind) {
    case 'ghost':
    case 'stray-key':
      return [deregistration(finding.key, scene) ?? deletion(finding.bytes, scene)].flat()
    case 'undecodable':
    case 'foreign-key':
    case 'mismatch':
      return lookAndDelete(finding.bytes, scene)
    case 'orphan-lease':
      return [`${etcdctl} lease revoke ${finding.lease}`]
    case 'alarm':
      return alarmRemedies(finding, etcdctl)
    case 'silent-endpoint':
      return wayBack(finding.endpoint, scene)
    case 'full-lease':
    case 'overdue-lease':
    case 'refusing-endpoint':
    case 'unreachable':
    case 'unread':
    case 'no-leader':
      return []
  }
}

/** A member that runs, or is about to, needs no command. */
function wayBack(endpoint: string, { prefix, members }: RemedyScene): readonly string[] {
  const member = members.find(({ clientUrl }) => clientUrl === endpoint)
  if (member === undefined || member.state === 'running' || member.state === 'starting') return []
  return [`${prefix}${member.state === 'paused' ? 'resume' : 'start'} ${member.name}`]
}

function etcdctlOf({ endpoints }: RemedyScene): string {
  return endpoints === null ? 'etcdctl' : `etcdctl --endpoints=${quoteWord(endpoints.join(','))}`
}

/** Null when the key does not name a service and an address as the commands take them. */
function deregistration(key: string, { prefix }: RemedyScene): string | null {
  const parsed = parseInstanceKey(key)
  if (parsed === null) return null
  const { service, host, port } = parsed
  const plain = /^[\w.$@-]+$/.test(service.name) && /^[\w.-]+$/.test(service.version)
  if (!plain || !/^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(host)) return null
  const words = `${quoteWord(formatServiceId(service))} ${host}:${String(port)}`
  return `${prefix}deregister ${/^-| -/.test(words) ? '-- ' : ''}${words}`
}

function deletion(bytes: Uint8Array, scene: RemedyScene): readonly string[] {
  const key = quoteKey(bytes, scene)
  return key === null ? [] : [`${etcdctlOf(scene)} del ${key}`]
}

function lookAndDelete(bytes: Uint8Array, scene: RemedyScene): readonly string[] {
  const key = quoteKey(bytes, scene)
  return key === null ? [] : [`${etcdctlOf(scene)} get ${key}`, ...deletion(bytes, scene)]
}

/** Null when the terminal of a lab cannot take the key: it knows no way to write such bytes. */
function quoteKey(bytes: Uint8Array, { endpoints, namespace }: RemedyScene): string | null {
  const buffer = Buffer.concat([Buffer.from(namespace), bytes])
  const text = buffer.toString()
  if (Buffer.from(text).equals(buffer) && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return quoteWord(text)
  if (endpoints === null) return null
  const escaped = [...buffer].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
  return `$'${escaped.join('')}'`
}

function alarmRemedies(
  { alarm, memberId, revision }: Extract<Finding, { kind: 'alarm' }>,
  etcdctl: string,
): readonly string[] {
  if (alarm === 'CORRUPT') return [`${etcdctl} member list`, `${etcdctl} member remove ${memberId}`]
  const compaction = revision === null ? [] : [`compaction ${revision}`]
  const steps = [...compaction, 'defrag', 'alarm disarm']
  return steps.map((step) => `${etcdctl} ${step}`)
}
