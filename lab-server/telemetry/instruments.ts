import { attribute, type AttributeName } from './attributes.ts'

/** One instrument, span or event: what it is called, what it tells, and with which attributes. */
export interface InstrumentRow {
  /** A span's or event's name too. `{rpc.method}` stands for the value of that attribute. */
  readonly name: string
  readonly kind: 'span' | 'event' | 'histogram' | 'counter' | 'gauge'
  /** UCUM; null for spans and events. */
  readonly unit: string | null
  readonly description: { readonly en: string; readonly 'zh-CN': string }
  /** Those it may carry. */
  readonly attributes: readonly AttributeName[]
}

/**
 * Everything that is told through the OpenTelemetry API, and nothing else is: the instruments are made
 * from these rows, and so is the page about them.
 */
export const instruments = {
  register: operation('register', [attribute.service, attribute.key], {
    en: 'Registering, until the instance stands in etcd',
    'zh-CN': '注册，到实例写入 etcd 为止',
  }),
  deregister: operation('deregister', [attribute.service, attribute.key], {
    en: 'Removing an instance, whoever registered it',
    'zh-CN': '移除实例，不论由谁注册',
  }),
  drain: operation('drain', [attribute.service, attribute.key], {
    en: 'Marking an instance of ours as leaving',
    'zh-CN': '把自己的实例标记为即将下线',
  }),
  release: operation('release', [attribute.service, attribute.key], {
    en: 'Taking back a registration of ours, its lease with the last one',
    'zh-CN': '撤回自己的注册；最后一个撤回时连租约一起撤销',
  }),
  discover: operation('discover', [attribute.service], {
    en: 'Listing the instances of a service',
    'zh-CN': '列出一个服务的实例',
  }),
  services: operation('services', [], {
    en: 'Listing all services',
    'zh-CN': '列出所有服务',
  }),
  watch: operation('watch', [attribute.service], {
    en: 'Start of a watch: the list that it goes on from',
    'zh-CN': '开始一次监听：取得监听所依据的列表',
  }),
  follow: operation('follow', [attribute.service], {
    en: 'Following a service, until there is something to serve',
    'zh-CN': '开始跟踪一个服务，到有内容可用为止',
  }),
  reregister: operation('reregister', [attribute.key, attribute.reregisterReason], {
    en: 'From the loss of a registration until it stands in etcd again',
    'zh-CN': '从注册丢失到重新写入 etcd',
  }),
  call: {
    name: '{rpc.method}',
    kind: 'span',
    unit: null,
    description: {
      en: 'One call to etcd with all its attempts, renewals of leases excepted',
      'zh-CN': '对 etcd 的一次调用，包括它的所有尝试；租约续期除外',
    },
    attributes: [
      attribute.rpcSystem,
      attribute.rpcMethod,
      attribute.rpcStatus,
      attribute.dbSystem,
      attribute.serverAddress,
      attribute.serverPort,
      attribute.errorType,
      attribute.attempts,
    ],
  },
  attempt: {
    name: 'ming.etcd.attempt',
    kind: 'event',
    unit: null,
    description: {
      en: 'In the span of a call: one member is asked',
      'zh-CN': '调用的 span 里：向一个成员发出请求',
    },
    attributes: [attribute.attempt, attribute.serverAddress, attribute.serverPort],
  },
  attemptFailed: {
    name: 'ming.etcd.attempt.failed',
    kind: 'event',
    unit: null,
    description: {
      en: 'In the span of a call: a member did not do what it was asked',
      'zh-CN': '调用的 span 里：一个成员没有完成请求',
    },
    attributes: [
      attribute.serverAddress,
      attribute.serverPort,
      attribute.rpcStatus,
      attribute.errorType,
    ],
  },
  operationDuration: {
    name: 'ming.registry.operation.duration',
    kind: 'histogram',
    unit: 's',
    description: {
      en: 'Duration of the operations that have a span',
      'zh-CN': '各项操作（即有 span 的那些）的耗时',
    },
    attributes: [attribute.operation, attribute.errorType],
  },
  callDuration: {
    name: 'ming.etcd.call.duration',
    kind: 'histogram',
    unit: 's',
    description: {
      en: 'Duration of the calls to etcd, each with all its attempts',
      'zh-CN': '对 etcd 的调用的耗时，每次调用包括它的所有尝试',
    },
    attributes: [attribute.rpcSystem, attribute.rpcMethod, attribute.errorType],
  },
  failovers: {
    name: 'ming.etcd.call.failovers',
    kind: 'counter',
    unit: '{attempt}',
    description: {
      en: 'Attempts of a call after its first one',
      'zh-CN': '一次调用在第一次尝试之后的尝试',
    },
    attributes: [attribute.rpcSystem, attribute.rpcMethod],
  },
  watchRestarts: {
    name: 'ming.etcd.watch.restarts',
    kind: 'counter',
    unit: '{restart}',
    description: {
      en: 'Watches that had to go on over another stream, by what ended the one before',
      'zh-CN': '监听换到另一条流上继续的次数，按前一条流中断的原因区分',
    },
    attributes: [attribute.errorType],
  },
  reregistrations: {
    name: 'ming.registry.registration.reregistrations',
    kind: 'counter',
    unit: '{registration}',
    description: {
      en: 'Registrations that were lost and stand in etcd again',
      'zh-CN': '丢失后又重新写入 etcd 的注册',
    },
    attributes: [attribute.reregisterReason],
  },
  leasesLost: {
    name: 'ming.registry.lease.lost',
    kind: 'counter',
    unit: '{lease}',
    description: {
      en: 'Leases in use that etcd no longer has',
      'zh-CN': '还在使用、但 etcd 已经没有的租约',
    },
    attributes: [],
  },
  relists: {
    name: 'ming.registry.view.relists',
    kind: 'counter',
    unit: '{relist}',
    description: {
      en: 'Watches and views that had to list again',
      'zh-CN': '监听或视图不得不重新列出的次数',
    },
    attributes: [attribute.service, attribute.relistReason],
  },
  undecodable: {
    name: 'ming.registry.view.undecodable',
    kind: 'counter',
    unit: '{value}',
    description: {
      en: 'Values that were read and skipped, since nobody could decode them',
      'zh-CN': '读到后因无法解码而跳过的值',
    },
    attributes: [attribute.service],
  },
  guarded: {
    name: 'ming.registry.view.guarded',
    kind: 'counter',
    unit: '{instance}',
    description: {
      en: 'Instances that a view began to hold under guard, and no longer holds',
      'zh-CN': '视图开始保护的实例，以及不再保护的实例',
    },
    attributes: [attribute.service, attribute.guardTransition],
  },
  registrations: {
    name: 'ming.registry.registration.count',
    kind: 'gauge',
    unit: '{registration}',
    description: { en: 'Registrations that are wanted', 'zh-CN': '需要保持的注册' },
    attributes: [attribute.registrationState],
  },
  leases: {
    name: 'ming.registry.lease.count',
    kind: 'gauge',
    unit: '{lease}',
    description: { en: 'Leases that registrations are on', 'zh-CN': '注册所在的租约' },
    attributes: [],
  },
  leaseKeys: {
    name: 'ming.registry.lease.keys',
    kind: 'gauge',
    unit: '{key}',
    description: {
      en: 'Keys on the lease that has most of them; it takes at most 1,000',
      'zh-CN': '键最多的那个租约上的键数；一个租约最多 1,000 个',
    },
    attributes: [],
  },
  views: {
    name: 'ming.registry.view.count',
    kind: 'gauge',
    unit: '{service}',
    description: {
      en: 'Followed services, by how far their view can be relied on',
      'zh-CN': '正在跟踪的服务，按视图的可信程度区分',
    },
    attributes: [attribute.viewTrust],
  },
  viewAge: {
    name: 'ming.registry.view.age',
    kind: 'gauge',
    unit: 's',
    description: {
      en: 'Since etcd last confirmed the view',
      'zh-CN': '距 etcd 上一次确认视图的时间',
    },
    attributes: [attribute.service],
  },
  viewRevision: {
    name: 'ming.registry.view.revision',
    kind: 'gauge',
    unit: '{revision}',
    description: {
      en: 'etcd’s revision that the view is up to date with',
      'zh-CN': '视图所对应的 etcd revision',
    },
    attributes: [attribute.service],
  },
} as const satisfies Readonly<Record<string, InstrumentRow>>

/** What has a span and a duration of its own. */
export type Operation =
  | 'register'
  | 'deregister'
  | 'drain'
  | 'release'
  | 'discover'
  | 'services'
  | 'watch'
  | 'follow'
  | 'reregister'

function operation<const A extends readonly AttributeName[]>(
  name: Operation,
  attributes: A,
  description: InstrumentRow['description'],
) {
  return {
    name: `ming.registry.${name}`,
    kind: 'span',
    unit: null,
    description,
    attributes: [...attributes, attribute.errorType],
  } as const
}
