import type { LabError } from '../../../protocol/index.ts'
import type { CallOptions } from '../../etcd/etcd-calls.ts'
import type { EtcdClient } from '../../etcd/etcd-client.ts'
import type { NaiveFault } from './naive-fault.ts'

/** What the parts of one naive registry share. */
export interface NaiveTools {
  readonly etcd: EtcdClient
  /** True while the fault is on. */
  readonly has: (fault: NaiveFault) => boolean
  /** For every call: the end of the registry, and the deadline or its lack. */
  readonly calls: CallOptions & { readonly signal: AbortSignal }
  readonly onTrouble: (error: LabError) => void
}
