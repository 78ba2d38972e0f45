/** What the default of LAB_MAX is made from, bytes. */
export interface HostRoom {
  /** Memory that programs can still get. */
  readonly freeMemory: number
  /** Free space on the disk of the labs' data. */
  readonly freeDisk: number
}

/**
 * Three members need about 100 MB of memory (32 MB resident each), and their lab some more in the
 * server: connections, watchers, terminals.
 */
const memoryOfLab = 150_000_000
/** etcd preallocates 124 MB of write-ahead log a member; 32 MB of database quota each on top. */
const diskOfLab = 500_000_000
/** Half of what is free stays free for everything else on the machine. */
const share = 0.5
const mostLabs = 100

/** How many labs the machine holds, and the sentence that says why. */
export function defaultLabLimit(room: HostRoom): {
  readonly max: number
  readonly because: string
} {
  const byMemory = Math.floor((room.freeMemory * share) / memoryOfLab)
  const byDisk = Math.floor((room.freeDisk * share) / diskOfLab)
  const max = Math.max(1, Math.min(byMemory, byDisk, mostLabs))
  const because =
    `${gigabytes(room.freeMemory)} of memory free: ${byMemory} labs; ` +
    `${gigabytes(room.freeDisk)} of disk free: ${byDisk}; at most ${mostLabs}`
  return { max, because }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
