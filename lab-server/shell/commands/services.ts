import type { Command } from '../command.ts'
import { formatServiceId } from '../../registry/service-key.ts'
import { registryOf } from './tools.ts'

export const services: Command = {
  name: 'services',
  aliases: [],
  requires: ['registry'],
  positionals: [],
  options: [],
  examples: ['services'],
  async run(context) {
    const { m } = context
    const { services: found, revision } = await context.wait(
      registryOf(context).registry.services(),
    )
    if (found.length === 0) {
      context.print(m.services.none({ revision }))
      return 0
    }
    context.printTable(
      [{ title: m.services.service }, { title: m.services.instances, align: 'right' }],
      found.map(({ id, instances }) => [formatServiceId(id), String(instances)]),
    )
    context.print(m.services.total({ count: found.length, revision }))
    return 0
  },
}
