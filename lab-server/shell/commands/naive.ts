import { naiveFaults } from '../../registry/naive/naive-fault.ts'
import type { Command } from '../command.ts'
import { describeList } from '../usage.ts'

export const naive: Command = {
  name: 'naive',
  aliases: [],
  requires: ['naive'],
  positionals: [],
  options: [],
  examples: ['naive'],
  run(context) {
    const { m, columns } = context
    const rows = naiveFaults.map(({ number, name }) => {
      const { title, symptom } = m.naive.faults[name]
      return [String(number).padStart(2), m.naive.fault({ title, symptom })] as const
    })
    context.print(describeList(rows, columns).join('\n'))
    context.print('')
    context.print(m.naive.more, 'dim')
    return Promise.resolve(0)
  },
}
