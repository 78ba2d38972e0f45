import type { LabError } from '../../protocol/index.ts'
import type { Messages } from './messages/en.ts'
import { ShellError } from './shell-error.ts'

/** etcd asks for a user, and the lab's own clients have none: the reader turned authentication on. */
export function isAuthRefusal(text: string): boolean {
  return text.includes('user name is empty')
}

/** What a reader can do about a refusal that a command of theirs brought about; null for others. */
function hintFor(text: string): ((m: Messages) => string) | null {
  if (isAuthRefusal(text)) return (m) => m.shell.authOn
  if (text.includes('database space exceeded')) return (m) => m.shell.noSpace
  return null
}

/** The same error, with the way out behind etcd's own words where there is one. */
export function withWayOut(error: LabError): LabError {
  const etcd = error.details['etcd']
  if (error.code !== 'ETCD_REFUSED' || typeof etcd !== 'string') return error
  const hint = hintFor(etcd)
  if (hint === null) return error
  const { details } = error
  return new ShellError('ETCD_REFUSED', (m) => `${etcd}. ${hint(m)}`, { cause: error, details })
}
