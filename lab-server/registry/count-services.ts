import type { RawKey } from '../etcd/etcd-inspector.ts'
import type { ServiceId } from './registry.ts'
import { formatServiceId, keyText, parseInstanceKey } from './service-key.ts'

/** The services that have at least one of these keys, by name, with the number of their instances. */
export function countServices(
  keys: readonly RawKey[],
): readonly { readonly id: ServiceId; readonly instances: number }[] {
  const ids = keys.flatMap(({ key }) => parseInstanceKey(keyText(key))?.service ?? [])
  const counts = new Map<string, { id: ServiceId; instances: number }>()
  for (const id of ids) {
    const name = formatServiceId(id)
    counts.set(name, { id, instances: (counts.get(name)?.instances ?? 0) + 1 })
  }
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, service]) => service)
}
