import { LabError } from '../../protocol/index.ts'
import type { Provider, ProviderState } from '../providers/provider-control.ts'
import { formatServiceId } from '../registry/service-key.ts'
import { en, type Messages } from './messages/en.ts'
import { nearestName } from './nearest.ts'
import { makeVisibleInline } from './sanitize.ts'
import { ShellError } from './shell-error.ts'

/** The word for every provider. */
export const everyProvider = 'all'

/**
 * Names of the providers that a reader means: one by its name (`p1`) or address, whatever its state;
 * of a service, or of all, those whose state allows it. Throws `NO_SUCH_PROVIDER`.
 */
export function findTargets(
  text: string,
  providers: readonly Provider[],
  allowed: ReadonlySet<ProviderState>,
): readonly string[] {
  const one = providers.find(({ name, address }) => name === text || address === text)
  if (one !== undefined) return [one.name]
  const group = providers.filter(({ service }) => text === everyProvider || isOf(service, text))
  if (group.length === 0 && text !== everyProvider) throw noSuchProvider(text, providers)
  return group.filter(({ state }) => allowed.has(state)).map(({ name }) => name)
}

/** The same error in words of both languages, where there are some. */
export function inProviderWords(error: unknown, providers: readonly Provider[]): unknown {
  if (!(error instanceof LabError) || error instanceof ShellError) return error
  const { code, details } = error
  const provider = makeVisibleInline(String(details['provider'] ?? ''))
  if (code === 'NO_SUCH_PROVIDER') return noSuchProvider(provider, providers)
  const { action, state } = details
  if (code !== 'PROVIDER_STATE' || typeof action !== 'string' || !isState(state)) return error
  const text = (m: Messages) =>
    m.fault.wrongState({ member: provider, action, state: m.provider.states[state] })
  return new ShellError(code, text, { cause: error, details })
}

/** `UserService` is its version 1.0, as everywhere. */
function isOf(service: Provider['service'], text: string): boolean {
  return formatServiceId(service) === (text.includes(':') ? text : `${text}:1.0`)
}

function noSuchProvider(text: string, providers: readonly Provider[]): ShellError {
  const names = providers.map(({ name }) => name)
  const services = providers.map(({ service }) => service.name)
  const facts = {
    provider: makeVisibleInline(text),
    nearest: nearestName(text, [...names, ...services, everyProvider]),
  }
  const details = { provider: facts.provider }
  const words = (m: Messages) =>
    names.length === 0
      ? m.provider.none
      : m.provider.noSuchProvider({ ...facts, providers: names.join(m.listSeparator) })
  return new ShellError('NO_SUCH_PROVIDER', words, { details })
}

function isState(state: unknown): state is ProviderState {
  return typeof state === 'string' && Object.hasOwn(en.provider.states, state)
}
