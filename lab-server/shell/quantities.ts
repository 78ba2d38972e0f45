/** `1287 ms`, `0.4 ms`, `12.3 s`: durations as a reader compares them. */
export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** `20 KiB`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

/** `12:00:01.123Z`: the server's clock in UTC, because the reader may sit in another zone. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11)
}

/** A lease id (decimal, int64) as etcdctl prints it: sixteen hexadecimal digits. */
export function leaseIdToHex(decimal: string): string {
  return BigInt.asUintN(64, BigInt(decimal)).toString(16).padStart(16, '0')
}

/** The reverse; null when the text is no hexadecimal int64. */
export function leaseIdFromHex(hex: string): string | null {
  if (!/^[0-9a-f]{1,16}$/i.test(hex)) return null
  return BigInt.asIntN(64, BigInt(`0x${hex}`)).toString()
}
