import { basename, dirname } from 'node:path'
import type { MemberProcess } from '../../cluster/cluster-driver.ts'

/** Where etcdctl runs and whom it can reach. */
export interface EtcdctlEndpoints {
  /** The lab's directory where the members are sockets in it; endpoints are relative to it. */
  readonly dir: string
  /** Endpoint of each member, by its name. */
  readonly byMember: ReadonlyMap<string, string>
}

function socketPath(clientUrl: string): string | null {
  return clientUrl.startsWith('unix:///') ? clientUrl.slice('unix://'.length) : null
}

/**
 * The endpoints to pin. Sockets of one directory are named relative to it: short in etcdctl's own
 * output, which would otherwise show where the host keeps its labs.
 */
export function findEndpoints(members: readonly MemberProcess[]): EtcdctlEndpoints {
  const paths = members.map((member) => socketPath(member.clientUrl))
  const dir = paths[0] ? dirname(paths[0]) : null
  const together = dir !== null && paths.every((path) => path !== null && dirname(path) === dir)
  const byMember = members.map(({ name, clientUrl }) => {
    const path = socketPath(clientUrl)
    return [name, together && path !== null ? `unix://${basename(path)}` : clientUrl] as const
  })
  return { dir: together ? dir : '/', byMember: new Map(byMember) }
}

/** Words of the layers below, in which no socket shows where the host keeps its labs. */
export function withoutDirectory(text: string, members: readonly MemberProcess[]): string {
  const { dir } = findEndpoints(members)
  return dir === '/' ? text : text.replaceAll(`${dir}/`, '')
}

/** The member that a reader means by a value of `--endpoints`; null when it is none of this lab. */
export function findMember(value: string, endpoints: EtcdctlEndpoints): string | null {
  for (const [name, endpoint] of endpoints.byMember) {
    const spellings = [name, `${name}:2379`, `http://${name}:2379`, endpoint]
    if (spellings.includes(value)) return name
  }
  return null
}
