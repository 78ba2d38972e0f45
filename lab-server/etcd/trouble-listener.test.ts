import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { guardListener } from './trouble-listener.ts'

const trouble = new LabError('UNAVAILABLE', 'nobody answers')

test('what is told arrives', () => {
  const listener = vi.fn()
  guardListener(listener)(trouble)
  expect(listener).toHaveBeenCalledExactlyOnceWith(trouble)
})

test('without a listener nobody is told', () => {
  expect(() => {
    guardListener()(trouble)
  }).not.toThrow()
})

const mistake = new Error('a mistake of the application')
const throwing = () => {
  throw mistake
}

test.each([
  ['throws', throwing],
  ['rejects', () => Promise.reject(mistake)],
])(
  'a listener that %s is warned of once, at however many places it is guarded',
  async (_, each) => {
    const warnings: Error[] = []
    const collect = (warning: Error) => void warnings.push(warning)
    process.on('warning', collect)
    try {
      const guarded = [guardListener(each), guardListener(each)]
      const first = once(process, 'warning')
      for (const tell of [...guarded, ...guarded]) tell(trouble)
      await first
      // Warnings arrive in their order: after this one no other of ours is on its way.
      process.emitWarning('the last one')
      await once(process, 'warning')
      const words: unknown = expect.stringContaining(mistake.message)
      expect(warnings).toMatchObject([
        { name: 'MingRegistryWarning', detail: words },
        { name: 'Warning', message: 'the last one' },
      ])
    } finally {
      process.off('warning', collect)
    }
  },
)
