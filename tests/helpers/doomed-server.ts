/**
 * A server reduced to what must not outlive it: a reaper and a driver with three members, one of
 * them paused. It prints one line of JSON when it stands, and then ends the way it is told to.
 *
 * Usage: node doomed-server.ts <base directory> <etcd binary> <etcd version>
 */
import { join } from 'node:path'
import { createProcessDriver } from '../../lab-server/cluster/process-driver.ts'
import { startReaper } from '../../lab-server/cluster/reaper.ts'
import { newRunDirectory } from '../../lab-server/cluster/run-directory.ts'

const [baseDir = '', etcdPath = '', etcdVersion = ''] = process.argv.slice(2)
const runDir = newRunDirectory(baseDir)
const reaper = await startReaper(runDir)
const driver = createProcessDriver({ etcdPath, etcdVersion, dir: join(runDir, 'lab') })
await Promise.all(driver.members().map(({ name }) => driver.start(name)))
await driver.pause('etcd2')

process.on('SIGTERM', () => {
  void driver
    .close()
    .then(() => reaper.close())
    .then(() => process.exit(0))
})
process.on('SIGUSR2', () => {
  throw new Error('nobody catches this')
})

const pids = driver.members().map(({ pid }) => pid)
console.log(JSON.stringify({ runDir, reaper: reaper.pid, pids }))
