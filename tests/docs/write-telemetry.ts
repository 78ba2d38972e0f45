import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { telemetryTable } from './telemetry-table.ts'

/**
 * Writes what the page about telemetry shows: its table, and, given the report of
 * `npm run bench -- telemetry --json FILE`, what it costs:
 * `node tests/docs/write-telemetry.ts [FILE]`.
 */

const data = join(import.meta.dirname, '../../content/data')

const report = z.object({
  machine: z.object({ cpu: z.string(), cores: z.number() }),
  versions: z.object({ node: z.string(), etcd: z.string() }),
  date: z.string(),
  rows: z.array(z.object({ name: z.string(), value: z.number(), baseline: z.number().nullable() })),
  samples: z.object({ telemetry: z.object({ 'discover/nobody': z.array(z.number()) }) }),
})

/** Microseconds. */
function costTable({ machine, versions, date, rows, samples }: z.infer<typeof report>): string {
  const rowOf = (name: string) => {
    const found = rows.find((row) => row.name === `telemetry ${name}`)
    if (found === undefined) throw new Error(`the report does not tell of ${name}`)
    return found
  }
  const compare = (what: string) => ({
    without: rowOf(`${what}, nobody listens`).baseline,
    nobody: rowOf(`${what}, nobody listens`).value,
    listening: rowOf(`${what}, an SDK listens`).value,
  })
  const cost = {
    run: { date, ...machine, etcd: versions.etcd, node: versions.node.replace(/^v/, '') },
    count: samples.telemetry['discover/nobody'].length,
    discover: compare('discover'),
    current: compare('current()'),
    looking: rowOf('looking for a listener').value,
  }
  const toThree = (_key: string, value: unknown): unknown =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
  return `${JSON.stringify(cost, toThree, 2)}\n`
}

await writeFile(join(data, 'telemetry.json'), telemetryTable())
const [file] = process.argv.slice(2)
if (file !== undefined) {
  const cost = costTable(report.parse(JSON.parse(await readFile(file, 'utf8'))))
  await writeFile(join(data, 'telemetry-cost.json'), cost)
}
