import type { Command } from '../command.ts'
import { formatServiceId } from '../../registry/service-key.ts'
import { registryOf } from './tools.ts'

export const services: Command = {
  name: 'services',
  aliases: [],
  requires: ['registry'],
  positionals: [],
  options: [],
  needsQuorum: true,
  examples: ['services'],
  async run(context) {
    const { m, prefix } = context
    const { services: found, revision } = await context.wait(
      registryOf(context).registry.services(),
    )
    const data = { revision, services: found.map(({ id, instances }) => ({ ...id, instances })) }
    context.result(data, () => {
      if (data.services.length === 0) {
        context.print(m.services.none({ revision, prefix }))
        return
      }
      context.printTable(
        [{ title: m.services.service }, { title: m.services.instances, align: 'right' }],
        data.services.map((one) => [formatServiceId(one), String(one.instances)]),
      )
      context.print(m.services.total({ count: data.services.length, revision }))
    })
    return 0
  },
}
