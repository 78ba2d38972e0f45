import type { LabError } from '../../../protocol/index.ts'
import type { CallOptions } from '../../etcd/etcd-calls.ts'
import type { NaiveEtcd } from './limited-etcd.ts'
import type { NaiveFault } from './naive-fault.ts'

/** What the parts of one naive registry share. */
export interface NaiveTools {
  readonly etcd: NaiveEtcd
  /** True while the fault is on. */
  readonly has: (fault: NaiveFault) => boolean
  /** For every call: the end of the registry, and the deadline or its lack. */
  readonly calls: CallOptions & { readonly signal: AbortSignal }
  /** To be asked before so many more targets are watched; throws `NAIVE_LIMIT`. */
  readonly admitWatches: (more: number) => void
  readonly onTrouble: (error: LabError) => void
}
