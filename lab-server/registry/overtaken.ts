import type { LabError } from '../../protocol/index.ts'

/** True when what a watch was to deliver next is gone for good, so that only a new list helps. */
export function isOvertaken({ code }: LabError): boolean {
  return code === 'COMPACTED' || code === 'HISTORY_CHANGED'
}
