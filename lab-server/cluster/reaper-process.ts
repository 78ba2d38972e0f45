/**
 * Runs beside the server, in a session of its own, and holds the reading end of a pipe from it.
 * However the server ends, the kernel closes the pipe: then this process ends what the server
 * started and removes what it wrote. It says nothing but one line at its start, and keeps no file
 * of the run directory open.
 *
 * Usage: node reaper-process.ts <run directory>
 */
import { reap } from './reap.ts'

const runDir = process.argv[2]
if (runDir === undefined) throw new Error('Expected the run directory as the only argument')

// A service manager signals every process of the service; this one waits for the server's end.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
// The server may be gone before it could read the line.
process.stdout.on('error', () => undefined)

process.stdin.resume()
process.stdin.once('close', () => {
  reap(runDir).then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
process.stdout.end('ready\n')
