import { makeVisible } from './sanitize.ts'

/** The only control sequences this project sends to a terminal. Colour never stands alone. */
const sgr = { strong: '1', dim: '2', good: '32', warn: '33', bad: '31', accent: '36' } as const

export type Style = keyof typeof sgr

/** Makes text visible and puts one colour around it, line by line. */
export function paint(text: string, style?: Style): string {
  const visible = makeVisible(text)
  if (style === undefined || visible === '') return visible
  const paintLine = (line: string) => (line === '' ? '' : `\u001b[${sgr[style]}m${line}\u001b[0m`)
  return visible.split('\n').map(paintLine).join('\n')
}
