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
    const { lab, etcd, etcdFloor, etcdOutdated } = tools.versions
    context.printTable(
      [{ title: m.version.what }, { title: m.version.version }],
      [
        [m.version.lab, lab],
        ['etcd', etcd],
        ...(tools.etcdctl === null ? [] : [['etcdctl', tools.etcdctl.version]]),
      ],
    )
    if (etcdOutdated) {
      context.print(m.version.outdated({ version: etcd, floor: etcdFloor }), 'warn')
    }
    return Promise.resolve(0)
  },
}
