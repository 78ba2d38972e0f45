import type { ITheme } from '@xterm/xterm'

/** The terminal's colours are the page's tokens; the sixteen ANSI names map onto them. */
const tokens = {
  background: '--ming-term-paper',
  foreground: '--ming-ink',
  cursor: '--ming-run',
  cursorAccent: '--ming-term-paper',
  black: '--ming-ink',
  red: '--ming-down',
  green: '--ming-run',
  yellow: '--ming-leader',
  blue: '--ming-follower',
  magenta: '--ming-cut',
  cyan: '--ming-follower',
  white: '--ming-ink-soft',
  brightBlack: '--ming-ink-soft',
  brightRed: '--ming-down',
  brightGreen: '--ming-run',
  brightYellow: '--ming-leader',
  brightBlue: '--ming-follower',
  brightMagenta: '--ming-cut',
  brightCyan: '--ming-follower',
  brightWhite: '--ming-ink',
} as const satisfies Partial<Record<keyof ITheme, string>>

/** Reads the tokens that hold for `element` now. */
export function readTheme(element: Element): ITheme {
  const style = getComputedStyle(element)
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const theme: ITheme = {}
  for (const [name, token] of Object.entries(tokens)) {
    const value = style.getPropertyValue(token).trim()
    const colour = paint && value !== '' ? toHex(paint, value) : null
    if (colour) theme[name as keyof typeof tokens] = colour
  }
  const ink = theme.foreground
  if (ink) {
    theme.selectionBackground = `${ink}40`
    theme.scrollbarSliderBackground = `${ink}30`
    theme.scrollbarSliderHoverBackground = `${ink}50`
    theme.scrollbarSliderActiveBackground = `${ink}60`
  }
  return theme
}

/** xterm reads hexadecimal; the tokens are OKLCH. The browser itself converts. */
function toHex(paint: CanvasRenderingContext2D, value: string): string {
  paint.clearRect(0, 0, 1, 1)
  paint.fillStyle = value
  paint.fillRect(0, 0, 1, 1)
  const [red = 0, green = 0, blue = 0] = paint.getImageData(0, 0, 1, 1).data
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`
}
