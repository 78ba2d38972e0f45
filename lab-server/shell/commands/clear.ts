import type { Command } from '../command.ts'

export const clear: Command = {
  name: 'clear',
  aliases: [],
  requires: ['lab'],
  positionals: [],
  options: [],
  examples: ['clear'],
  run(context) {
    context.clear()
    return Promise.resolve(0)
  },
}
