import type { ClusterSnapshot, FaultAction, MemberView } from '../../protocol/index.ts'

/**
 * What a member is, in one word. `leaderless`: runs and answers, but names no leader. `silent`:
 * its process runs, but it does not answer. `refusing`: it answers that it will not say (since
 * authentication was enabled). etcd's Status knows no "candidate", so neither do we.
 */
export type MemberLook =
  | 'leader'
  | 'follower'
  | 'leaderless'
  | 'silent'
  | 'refusing'
  | 'starting'
  | 'paused'
  | 'stopped'
  | 'killed'
  | 'exited'

export function memberLook(member: MemberView, snapshot: ClusterSnapshot): MemberLook {
  if (member.process !== 'running') return member.process
  if (snapshot.leader === member.name) return 'leader'
  if (!member.status) return member.refusal === undefined ? 'silent' : 'refusing'
  return member.status.leader === null ? 'leaderless' : 'follower'
}

/** Looks that share a shape and a colour. */
export type Shape = 'leader' | 'follower' | 'down' | 'cut' | 'unknown'

export function shapeOf(look: MemberLook): Shape {
  switch (look) {
    case 'leader':
    case 'follower':
      return look
    case 'paused':
      return 'cut'
    case 'stopped':
    case 'killed':
    case 'exited':
      return 'down'
    case 'leaderless':
    case 'silent':
    case 'refusing':
    case 'starting':
      return 'unknown'
  }
}

/** What can be done to a member in that state, in the order of the buttons. */
export function actionsFor(look: MemberLook): readonly FaultAction[] {
  switch (look) {
    case 'paused':
      return ['resume', 'kill']
    case 'stopped':
    case 'killed':
    case 'exited':
      return ['start']
    case 'starting':
      return []
    default:
      return ['kill', 'stop', 'pause']
  }
}

/** What brings a member back, or null when it is not away. */
export function remedyFor(look: MemberLook): FaultAction | null {
  const shape = shapeOf(look)
  if (shape === 'down') return 'start'
  return shape === 'cut' ? 'resume' : null
}
