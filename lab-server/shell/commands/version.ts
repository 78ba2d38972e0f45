import type { Command } from '../command.ts'

export const version: Command = {
  name: 'version',
  aliases: [],
  requires: [],
  positionals: [],
  options: [],
  examples: ['version'],
  run(context) {
    const { m, tools } = context
    const { lab, etcd } = tools.versions
    const name = tools.program?.name ?? m.version.lab
    const data = {
      version: lab,
      etcd: etcd?.version,
      etcdctl: tools.etcdctl?.version,
    }
    context.result(data, () => {
      context.printTable(
        [{ title: m.version.what }, { title: m.version.version }],
        [
          [name, data.version],
          ...(data.etcd === undefined ? [] : [['etcd', data.etcd]]),
          ...(data.etcdctl === undefined ? [] : [['etcdctl', data.etcdctl]]),
        ],
      )
      if (etcd?.outdated === true) context.print(m.version.outdated(etcd), 'warn')
    })
    return Promise.resolve(0)
  },
}
