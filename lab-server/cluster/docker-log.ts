const headerBytes = 8

/**
 * Lines of a container's log as the engine sends it: frames of both streams, each after a header of
 * eight bytes (stream, three zeros, length as a 32-bit number). A frame may end within a line.
 *
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export function readDockerLog(bytes: Buffer): string[] {
  const parts: Record<number, string> = {}
  const lines: string[] = []
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const stream = bytes.readUInt8(at)
    const end = at + headerBytes + bytes.readUInt32BE(at + 4)
    const text = (parts[stream] ?? '') + bytes.toString('utf8', at + headerBytes, end)
    const pieces = text.split('\n')
    parts[stream] = pieces.pop() ?? ''
    lines.push(...pieces)
    at = end
  }
  return [...lines, ...Object.values(parts).filter((rest) => rest !== '')]
}
