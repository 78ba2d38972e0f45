import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { telemetryTable } from './telemetry-table.ts'

/** Writes the table of the page about telemetry anew: `node tests/docs/write-telemetry.ts`. */
await writeFile(join(import.meta.dirname, '../../content/data/telemetry.json'), telemetryTable())
