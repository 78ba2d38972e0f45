import type { LabError } from '../../protocol/index.ts'

/** True when what a watch was to deliver next is gone for good, so that only a new list helps. */
export function isOvertaken({ code }: LabError): boolean {
  return code === 'COMPACTED' || code === 'HISTORY_CHANGED'
}

/** Why a new list was needed. */
export function relistReason({ code }: LabError): 'compacted' | 'history-changed' {
  return code === 'HISTORY_CHANGED' ? 'history-changed' : 'compacted'
}
