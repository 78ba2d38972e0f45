import {
  isLeaseFresh,
  leaseIds,
  noLeases,
  reduceLeases,
  type LeaseCommand,
  type LeaseEvent,
  type LeasesState,
  type LeaseNews,
} from './lease-state.ts'
import {
  reduceRegistration,
  startRegistration,
  type Moment,
  type RegistrationCommand,
  type RegistrationEvent,
  type RegistrationState,
} from './registration-state.ts'

/**
 * All registrations of one process and their leases, without a clock, a socket or chance of its own:
 * events go in, and what is to be done comes out. `registrar.ts` does it for real, the simulation on
 * a virtual clock.
 */
export class RegistrarCore {
  readonly #registrations = new Map<string, RegistrationState>()
  readonly #granted = new Map<string, number>()
  #leases: LeasesState = noLeases

  registration(key: string): RegistrationState | undefined {
    return this.#registrations.get(key)
  }

  /** Of the TTL that etcd granted, seconds; 0 while there is none. */
  grantedTtl(key: string): number {
    return this.#granted.get(key) ?? 0
  }

  /** In etcd as far as known. */
  isRegistered(key: string, at: number): boolean {
    const state = this.#registrations.get(key)
    if (state?.phase !== 'resting' || state.lease === null) return false
    return isLeaseFresh(this.#leases, state.lease.id, at)
  }

  /** Every lease that etcd may know. */
  leaseIds(): readonly string[] {
    return leaseIds(this.#leases)
  }

  /** An unknown key begins a registration with a wish; for any other event it has ended meanwhile. */
  tell(key: string, event: RegistrationEvent, moment: Moment): readonly Effect[] {
    if (event.type === 'wish' && event.wanted !== null && !this.#registrations.has(key))
      this.#registrations.set(key, startRegistration(key))
    return this.#run([{ to: 'registration', key, event }], moment)
  }

  tellLeases(event: LeaseEvent, moment: Moment): readonly Effect[] {
    return this.#run([{ to: 'leases', event }], moment)
  }

  #run(first: readonly Message[], moment: Moment): readonly Effect[] {
    const messages = [...first]
    const effects: Effect[] = []
    for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
      const { answers, outward } = this.#deliver(message, moment)
      messages.push(...answers)
      effects.push(...outward)
    }
    return effects
  }

  #deliver(message: Message, moment: Moment): Routed {
    if (message.to === 'leases') {
      const [next, commands] = reduceLeases(this.#leases, message.event, moment)
      this.#leases = next
      return routeAll(commands, (command) => this.#routeLease(command))
    }
    const { key } = message
    const state = this.#registrations.get(key)
    if (state === undefined) return { answers: [], outward: [] }
    const [next, commands] = reduceRegistration(state, message.event, moment)
    this.#registrations.set(key, next)
    return routeAll(commands, (command) => this.#routeRegistration(key, command))
  }

  #routeRegistration(key: string, command: RegistrationCommand): Routed {
    switch (command.do) {
      case 'join':
        return toLeases({ type: 'join', key, ttlSeconds: command.ttlSeconds })
      case 'leave':
        return toLeases({ type: 'leave', key, lease: command.lease })
      case 'report-lost':
        return toLeases({ type: 'lost', lease: command.lease })
      case 'report-suspect':
        return toLeases({ type: 'suspect', lease: command.lease })
      case 'end':
        this.#registrations.delete(key)
        this.#granted.delete(key)
        return outward({ key, ...command })
      default:
        return outward({ key, ...command })
    }
  }

  #routeLease(command: LeaseCommand): Routed {
    switch (command.do) {
      case 'tell':
        return { answers: [this.#toNews(command.key, command.news)], outward: [] }
      case 'ended':
        return this.#toAll({ type: 'lease-ended', lease: command.lease })
      case 'retired':
        return this.#toAll({ type: 'lease-retired', lease: command.lease })
      case 'wake':
        return outward({ do: 'wake-leases', at: command.at })
      default:
        return outward(command)
    }
  }

  #toAll(event: RegistrationEvent): Routed {
    const keys = [...this.#registrations.keys()]
    return { answers: keys.map((key) => ({ to: 'registration', key, event })), outward: [] }
  }

  #toNews(key: string, news: LeaseNews): Message {
    if (news.type !== 'joined') return { to: 'registration', key, event: news }
    this.#granted.set(key, news.ttlSeconds)
    return { to: 'registration', key, event: { type: 'joined', lease: news.lease } }
  }
}

/** What has to be done outside. */
export type Effect =
  | ({ readonly key: string } & Exclude<
      RegistrationCommand,
      { readonly do: 'join' | 'leave' | 'report-lost' | 'report-suspect' }
    >)
  | Exclude<LeaseCommand, { readonly do: 'tell' | 'ended' | 'retired' | 'wake' }>
  | { readonly do: 'wake-leases'; readonly at: number }

type Message =
  | { readonly to: 'registration'; readonly key: string; readonly event: RegistrationEvent }
  | { readonly to: 'leases'; readonly event: LeaseEvent }

interface Routed {
  readonly answers: readonly Message[]
  readonly outward: readonly Effect[]
}

function routeAll<T>(commands: readonly T[], route: (command: T) => Routed): Routed {
  const routed = commands.map(route)
  return {
    answers: routed.flatMap(({ answers }) => answers),
    outward: routed.flatMap(({ outward }) => outward),
  }
}

function toLeases(event: LeaseEvent): Routed {
  return { answers: [{ to: 'leases', event }], outward: [] }
}

function outward(effect: Effect): Routed {
  return { answers: [], outward: [effect] }
}
