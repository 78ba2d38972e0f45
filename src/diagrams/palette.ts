/**
 * Mermaid wants plain colours and derives others from them. Each one set here is a value that
 * occurs nowhere else; after rendering it becomes the token named beside it, so that one SVG
 * follows both themes.
 */
const tokens = {
  '#f0f1f2': 'var(--ming-paper-raised)',
  '#f3f4f5': 'var(--ming-paper-sunk)',
  '#f6f7f8': 'var(--ming-paper)',
  '#101112': 'var(--ming-ink)',
  '#505152': 'var(--ming-ink-soft)',
  '#808182': 'var(--ming-rule-strong)',
  '#b0b1b2': 'var(--ming-rule)',
  '#a0b1c2': 'var(--ming-leader)',
  '#d0a1b2': 'var(--ming-down)',
} as const

const paper = '#f0f1f2'
const sunk = '#f3f4f5'
const ink = '#101112'
const soft = '#505152'
const strong = '#808182'
const rule = '#b0b1b2'

export const fontFamily = "'Source Sans 3 Variable', 'Noto Sans CJK SC', sans-serif"

/** https://mermaid.js.org/config/theming.html */
export const themeVariables = {
  fontFamily,
  fontSize: '16px',
  background: paper,
  primaryColor: paper,
  primaryTextColor: ink,
  primaryBorderColor: ink,
  secondaryColor: sunk,
  secondaryTextColor: ink,
  secondaryBorderColor: strong,
  tertiaryColor: sunk,
  tertiaryTextColor: ink,
  tertiaryBorderColor: strong,
  mainBkg: paper,
  nodeBorder: ink,
  nodeTextColor: ink,
  clusterBkg: '#f6f7f8',
  clusterBorder: strong,
  titleColor: ink,
  textColor: ink,
  lineColor: ink,
  edgeLabelBackground: '#f6f7f8',
  actorBkg: paper,
  actorBorder: ink,
  actorTextColor: ink,
  actorLineColor: strong,
  signalColor: ink,
  signalTextColor: ink,
  labelBoxBkgColor: sunk,
  labelBoxBorderColor: strong,
  labelTextColor: soft,
  loopTextColor: soft,
  noteBkgColor: sunk,
  noteBorderColor: strong,
  noteTextColor: ink,
  activationBkgColor: rule,
  activationBorderColor: strong,
  sequenceNumberColor: paper,
  leader: '#a0b1c2',
  down: '#d0a1b2',
}

/** Colours that Mermaid writes whatever the theme says. */
const strays: Readonly<Record<string, string>> = {
  '#999': 'var(--ming-rule-strong)',
  '#666': 'var(--ming-rule-strong)',
  '#333': 'var(--ming-ink)',
  '#333333': 'var(--ming-ink)',
  '#eaeaea': 'var(--ming-paper-raised)',
  '#edf2ae': 'var(--ming-paper-sunk)',
  '#ddd': 'var(--ming-rule)',
  '#fff': 'var(--ming-paper-raised)',
  '#ffffff': 'var(--ming-paper-raised)',
  '#fff5ad': 'var(--ming-paper-sunk)',
  '#000': 'var(--ming-ink)',
  '#000000': 'var(--ming-ink)',
  black: 'var(--ming-ink)',
  white: 'var(--ming-paper-raised)',
}

/** Replaces colours and fonts by tokens and drops shadows. Throws when a colour is left over. */
export function toTokens(svg: string): string {
  // Styles and tags only: words in a label stay as they are.
  const mapped = svg.replaceAll(/<style>[^<]*<\/style>|<[^>]+>/g, mapPaint)
  const colour = /(?:fill|stroke|color|background)(?::\s*|=")(?:#[\da-f]{3,8}\b|hsl|rgb)/i
  const left = colour.exec(mapped)
  if (left) throw new Error(`the diagram keeps a colour of its own: ${left[0]}`)
  return mapped
}

function mapPaint(part: string): string {
  let mapped = part.replaceAll(/rgb\((\d+), (\d+), (\d+)\)/g, (_, ...channels: string[]) =>
    hexOf(channels.slice(0, 3)),
  )
  for (const [colour, token] of Object.entries({ ...tokens, ...strays })) {
    mapped = mapped.replaceAll(new RegExp(`(?<=[:"\\s,(])${colour}(?![\\w-])`, 'gi'), token)
  }
  return mapped
    .replaceAll(/filter:\s*drop-shadow\([^;}]*\);?/g, '')
    .replaceAll(/rgba?\([^)]*\)/g, 'var(--ming-paper-sunk)')
    .replaceAll(/hsla?\([^)]*\)/g, 'var(--ming-rule-strong)')
    .replaceAll(/font-family:\s*(?:&quot;|["'])Source Sans 3 Variable[^}]*?sans-serif;?/g, '')
    .replaceAll(/ filter="[^"]*"/g, '')
    .replaceAll(/ r([xy])="\d+"/g, ' r$1="2"')
}

function hexOf(channels: readonly string[]): string {
  return '#' + channels.map((value) => Number(value).toString(16).padStart(2, '0')).join('')
}
