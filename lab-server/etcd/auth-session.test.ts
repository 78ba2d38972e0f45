import { describe, expect, it, vi } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { AuthSession } from './auth-session.ts'
import { callWithToken } from './call-with-token.ts'

const user = { username: 'ming', password: 'secret' }

function refusal(etcd: string, attempts = 1): LabError {
  return new LabError('ETCD_REFUSED', `put: ${etcd}`, { details: { etcd, attempts } })
}

/** A session whose tokens are t1, t2, … */
function countingSession() {
  let given = 0
  const ask = vi.fn(async () => {
    given += 1
    return Promise.resolve({ header: nobody, token: `t${given}` })
  })
  return { session: new AuthSession(user, ask), ask }
}

const nobody = { cluster_id: '1', member_id: '1', revision: '1', raft_term: '1' }

describe('AuthSession', () => {
  it('asks once for all who come at the same time, with name and password', async () => {
    const { session, ask } = countingSession()
    expect(session.token).toBeNull()
    await Promise.all([session.renew(0), session.renew(0), session.renew(0)])
    expect(session.token).toBe('t1')
    expect(ask).toHaveBeenCalledTimes(1)
    const request = { name: user.username, password: user.password }
    expect(ask).toHaveBeenCalledWith(expect.objectContaining({ method: 'authenticate', request }))
  })

  it('does not renew for whoever was refused with an older token', async () => {
    const { session, ask } = countingSession()
    await session.renew(0)
    await session.renew(0)
    expect(ask).toHaveBeenCalledTimes(1)
    await session.renew(1)
    expect(session.token).toBe('t2')
  })

  it('goes without a token while authentication is not enabled', async () => {
    const off = refusal('etcdserver: authentication is not enabled')
    const session = new AuthSession(user, () => Promise.reject(off))
    await session.renew(0)
    expect(session.token).toBeNull()
    expect(session.generation).toBe(1)
  })

  it('names the user whose password is wrong, never the password, and asks no more at once', async () => {
    const wrong = refusal('etcdserver: authentication failed, invalid user ID or password')
    const ask = vi.fn(() => Promise.reject(wrong))
    const session = new AuthSession(user, ask)
    for (let count = 0; count < 2; count += 1) {
      const error: unknown = await session.renew(0).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'ETCD_REFUSED', details: { username: 'ming' } })
      expect(String(error)).not.toContain(user.password)
    }
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('asks again at once after an outage', async () => {
    const ask = vi.fn(() => Promise.reject(new LabError('UNAVAILABLE', 'nobody answers')))
    const session = new AuthSession(user, ask)
    await expect(session.renew(0)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(session.renew(0)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(ask).toHaveBeenCalledTimes(2)
  })
})

describe('callWithToken', () => {
  it('authenticates before the first call and renews for a refused token alone', async () => {
    const { session } = countingSession()
    const used: (string | null)[] = []
    const answers = [refusal('etcdserver: invalid auth token'), 'done']
    const answer = await callWithToken(
      session,
      () => {
        used.push(session.token)
        const next = answers.shift()
        return next instanceof LabError ? Promise.reject(next) : Promise.resolve(next)
      },
      (generation) => session.renew(generation),
    )
    expect(answer).toBe('done')
    expect(used).toEqual(['t1', 't2'])
  })

  it('passes on what is refused with a fresh token, after three renewals', async () => {
    const { session, ask } = countingSession()
    const call = vi.fn(() => Promise.reject(refusal('etcdserver: revision of auth store is old')))
    const made = callWithToken(session, call, (generation) => session.renew(generation))
    await expect(made).rejects.toThrow('revision of auth store is old')
    expect(call).toHaveBeenCalledTimes(4)
    expect(ask).toHaveBeenCalledTimes(4)
  })

  it('takes any refusal of a call without a token for the want of one', async () => {
    const off = refusal('etcdserver: authentication is not enabled')
    const ask = vi.fn(() => Promise.resolve({ header: nobody, token: 't' }))
    ask.mockRejectedValueOnce(off)
    const session = new AuthSession(user, ask)
    const call = vi.fn(() =>
      session.token === null
        ? // The certificate's name is no user.
          Promise.reject(refusal('etcdserver: permission denied'))
        : Promise.resolve('done'),
    )
    const renew = (generation: number) => session.renew(generation)
    expect(await callWithToken(session, call, renew)).toBe('done')
    // With a token it is the user who is refused.
    call.mockImplementation(() => Promise.reject(refusal('etcdserver: permission denied')))
    await expect(callWithToken(session, call, renew)).rejects.toThrow('permission denied')
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('counts attempts before a renewal that may have been executed', async () => {
    const { session } = countingSession()
    const errors = [
      refusal('etcdserver: invalid auth token', 3),
      refusal('etcdserver: lease already exists'),
    ]
    const made = callWithToken(
      session,
      () => Promise.reject(errors.shift() ?? new Error('called too often')),
      (generation) => session.renew(generation),
    )
    await expect(made).rejects.toMatchObject({ details: { attempts: 3 } })
  })
})
