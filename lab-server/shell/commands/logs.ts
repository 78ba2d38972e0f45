import type { Command } from '../command.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { clusterOf } from './tools.ts'

const roles = new Set(['leader', 'follower'])

export const logs: Command = {
  name: 'logs',
  aliases: [],
  requires: ['cluster'],
  capability: 'logs',
  positionals: [
    {
      name: 'target',
      required: true,
      placeholder: '<member|leader|follower>',
      complete: 'targets',
    },
  ],
  options: [
    {
      kind: 'integer',
      name: 'lines',
      short: 'n',
      value: 'count',
      min: 1,
      max: 500,
      defaultValue: 20,
    },
  ],
  examples: ['logs etcd1', 'logs leader -n 100'],
  async run(context) {
    const { driver, monitor } = clusterOf(context)
    const target = context.args.required('target')
    // The log of a member that is gone must stay readable: only a role needs answers.
    const member = roles.has(target) ? await context.wait(monitor.resolve(target)) : target
    const lines = await context.wait(driver.logs(member, { lines: context.args.integer('lines') }))
    if (lines.length === 0) context.print(context.m.logs.none({ member }))
    // etcd's own lines stay whole: they are for copying and searching.
    else await context.stream('stdout', `${lines.map(makeVisibleInline).join('\n')}\n`)
    return 0
  },
}
