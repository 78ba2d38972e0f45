import { instruments, type InstrumentRow } from '../../lab-server/telemetry/instruments.ts'

/** What content/data/telemetry.json holds: the table of the code, as data for the page. */
export function telemetryTable(): string {
  const rows: readonly InstrumentRow[] = Object.values(instruments)
  return `${JSON.stringify(rows, null, 2)}\n`
}
