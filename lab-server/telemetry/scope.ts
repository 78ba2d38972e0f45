import { readVersion } from '../version.ts'

let read: { readonly name: string; readonly version: string } | null = null

/** Who tells, in OpenTelemetry's words the instrumentation scope. */
export function scope(): { readonly name: string; readonly version: string } {
  read ??= { name: 'ming-registry-lab', version: readVersion() }
  return read
}
