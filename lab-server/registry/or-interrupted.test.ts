import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { orInterrupted } from './or-interrupted.ts'

describe('orInterrupted', () => {
  it('settles like the promise when nothing aborts', async () => {
    const { signal } = new AbortController()
    expect(await orInterrupted(Promise.resolve(1), signal, 'waiting')).toBe(1)
    await expect(orInterrupted(Promise.reject(new Error('no')), signal, 'waiting')).rejects.toThrow(
      'no',
    )
  })

  it('rejects as soon as the signal aborts', async () => {
    const stop = new AbortController()
    const waiting = orInterrupted(new Promise(() => undefined), stop.signal, 'waiting')
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })

  it('takes note of what it no longer waits for, so that its rejection ends no process', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const work = Promise.withResolvers<never>()
    const waiting = orInterrupted(work.promise, AbortSignal.abort(), 'waiting')
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' })
    work.reject(new Error('too late'))
    // Node tells of unhandled rejections when the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).not.toHaveBeenCalled()
  })
})
