import type { FoundInstance, Registry, RegistryChange, ServiceId } from '../../registry/registry.ts'

/** The instances of a service as a watch keeps them: asking it costs etcd nothing. */
export interface ServiceView {
  /** Throws what ended the watch, when something has. */
  instances(): Iterable<FoundInstance>
}

/** Resolves with the list; the view follows every change until `signal` aborts. */
export async function followService(
  registry: Registry,
  service: ServiceId,
  signal: AbortSignal,
): Promise<ServiceView> {
  const list = await registry.discover(service)
  const found = new Map(list.instances.map((each) => [each.key, each]))
  let failure: { readonly error: unknown } | null = null
  const follow = async () => {
    const changes = registry.watch(service, { signal, fromRevision: list.revision })
    for await (const change of changes) apply(found, change)
  }
  follow().catch((error: unknown) => {
    failure = { error }
  })
  return {
    instances() {
      if (failure !== null) throw failure.error
      return found.values()
    },
  }
}

function apply(found: Map<string, FoundInstance>, change: RegistryChange): void {
  switch (change.type) {
    case 'added':
    case 'updated':
      found.set(change.found.key, change.found)
      return
    case 'removed':
    case 'undecodable':
      found.delete(change.key)
      return
    case 'relisted':
      // The differences follow as changes.
      return
  }
}
