import type { Discovery, Registry, ServiceId } from '../registry.ts'

export interface NaiveDiscovery extends Discovery {
  /** `cache`: nobody asked etcd; the list was true at `revision` and may have been wrong since. */
  readonly from: 'cache' | 'etcd'
}

/** A registry that keeps to the letter of its port and breaks its promises, and can say how. */
export interface NaiveRegistry extends Registry {
  discover(service: ServiceId): Promise<NaiveDiscovery>
  /** Keys and prefixes that it believes to be watching. */
  watched(): readonly string[]
}
