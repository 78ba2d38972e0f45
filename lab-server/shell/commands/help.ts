import { findCommand, unknownCommand } from '../command-table.ts'
import type { Command } from '../command.ts'
import { helpOverview, helpPage } from '../usage.ts'

export const help: Command = {
  name: 'help',
  aliases: ['?'],
  requires: [],
  positionals: [{ name: 'command', required: false, complete: 'commands' }],
  options: [],
  examples: ['help', 'help register'],
  run(context) {
    const { commands, m, columns } = context
    const name = context.args.text('command')
    if (name === undefined) {
      context.print(helpOverview(commands, m, columns).join('\n'))
      return Promise.resolve(0)
    }
    const command = findCommand(commands, name)
    if (command === null) throw unknownCommand(commands, name)
    context.print(helpPage(command, m, columns).join('\n'))
    return Promise.resolve(0)
  },
}
