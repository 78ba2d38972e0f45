import { findCommand, unknownCommand } from '../command-table.ts'
import type { Command } from '../command.ts'
import { describeCommand, helpOverview, helpPage } from '../usage.ts'

export const help: Command = {
  name: 'help',
  aliases: ['?'],
  requires: [],
  positionals: [{ name: 'command', required: false, complete: 'commands' }],
  options: [],
  examples: ['help', 'help register'],
  run(context) {
    const { commands, m, columns, tools } = context
    const view = { columns, program: tools.program, shared: tools.shared }
    const name = context.args.text('command')
    if (name === undefined) {
      context.result({ commands: commands.map((one) => describeCommand(one, m)) }, () => {
        context.print(helpOverview(commands, m, view).join('\n'))
      })
      return Promise.resolve(0)
    }
    const command = findCommand(commands, name)
    if (command === null) throw unknownCommand(commands, name, tools)
    context.result(describeCommand(command, m), () => {
      context.print(helpPage(command, m, view).join('\n'))
    })
    return Promise.resolve(0)
  },
}
