import { isDraining } from '../../registry/draining.ts'
import type { RegistryChange } from '../../registry/registry.ts'
import type { Command } from '../command.ts'
import type { Messages } from '../messages/en.ts'
import type { Style } from '../paint.ts'
import { formatTime } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { describeDiscovery, describeInstance, describeLeaseId, printInstances } from './discover.ts'
import {
  addressOf,
  readService,
  servicePositional,
  shortServiceName,
  versionOption,
} from './service-arguments.ts'
import { registryOf } from './tools.ts'

interface ChangeLine {
  readonly sign: string
  readonly word: string
  readonly subject: string
  readonly style: Style
}

/** One change as data, with the time at which it was seen here. */
function describeEvent(change: RegistryChange) {
  const at = new Date().toISOString()
  if (change.type === 'removed') return { ...change, lease: describeLeaseId(change.lease), at }
  if (change.type !== 'added' && change.type !== 'updated') return { ...change, at }
  const { type, found, revision } = change
  return { type, instance: describeInstance(found), revision, at }
}

function describeChange(change: RegistryChange, m: Messages): ChangeLine {
  switch (change.type) {
    case 'added':
    case 'updated': {
      const { instance } = change.found
      const group = m.watch.group({ group: makeVisibleInline(instance.serviceGroup) })
      const draining = isDraining(instance) ? `  ${m.watch.draining}` : ''
      const subject = `${addressOf(instance)}  ${group}${draining}`
      return change.type === 'added'
        ? { sign: '+', word: m.watch.added, subject, style: 'good' }
        : { sign: '~', word: m.watch.updated, subject, style: 'accent' }
    }
    case 'removed': {
      const { instance } = change
      const subject = instance === null ? makeVisibleInline(change.key) : addressOf(instance)
      return { sign: '-', word: m.watch.removed, subject, style: 'bad' }
    }
    case 'undecodable': {
      const subject = `${makeVisibleInline(change.key)}: ${makeVisibleInline(change.reason)}`
      return { sign: '!', word: m.watch.undecodable, subject, style: 'warn' }
    }
    case 'relisted':
      return { sign: '!', word: m.watch.relisted(change), subject: '', style: 'warn' }
  }
}

export const watch: Command = {
  name: 'watch',
  aliases: [],
  requires: ['registry'],
  positionals: [servicePositional],
  options: [versionOption],
  streams: true,
  needsQuorum: true,
  examples: ['watch UserService'],
  async run(context) {
    const { registry } = registryOf(context)
    const { m, signal } = context
    const id = readService(context.args)
    const list = await context.wait(registry.discover(id))
    context.result({ type: 'listed', ...describeDiscovery(id, list) }, (data) => {
      printInstances(context, data)
      const facts = { count: data.instances.length, revision: data.revision }
      context.print(m.watch.from({ service: shortServiceName(id), ...facts }), 'dim')
    })
    for await (const change of registry.watch(id, { signal, fromRevision: list.revision })) {
      context.result(describeEvent(change), ({ at }) => {
        const { sign, word, subject, style } = describeChange(change, m)
        const revision = m.watch.revision({ revision: change.revision })
        const line = `${formatTime(Date.parse(at))}  ${revision}  ${sign} ${word}  ${subject}`
        context.print(line.trimEnd(), style)
      })
      await context.drained()
    }
    signal.throwIfAborted()
    context.warn(m.watch.ended, 'warn')
    return 1
  },
}
