import { expect, it } from 'vitest'
import { textWidth } from './cell-width.ts'
import { completionLines } from './completion-list.ts'
import { plainText } from './terminal-text.ts'

it('lists values with their descriptions in line', () => {
  const lines = completionLines(
    [
      { value: 'kill', description: 'SIGKILL' },
      { value: 'register', description: '' },
    ],
    40,
  )
  expect(lines).toBe('  kill      \x1b[90mSIGKILL\x1b[0m\n  register\n')
})

it('cuts a description at the width of the terminal, also a Chinese one', () => {
  const [line = ''] = completionLines(
    [{ value: 'kill', description: '立即终止一个成员进程，不给它任何准备的机会' }],
    30,
  ).split('\n')
  expect(line).toBe('  kill  \x1b[90m立即终止一个成员进程…\x1b[0m')
  expect(textWidth(plainText(line))).toBeLessThanOrEqual(30)
})

it('says how many more there are', () => {
  const many = Array.from({ length: 45 }, (_, i) => ({ value: `v${i}`, description: '' }))
  expect(completionLines(many, 80)).toContain('  … +5\n')
})

it('lets nothing of a candidate act on the terminal', () => {
  expect(completionLines([{ value: 'a\x1b[2Jb\n', description: '' }], 80)).toBe('  ab \n')
})
