/** Controls that JSON leaves as they are, and the direction overrides that make text lie. */
const unsafe = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/**
 * One JSON document on one line of its own. Integers that JavaScript's numbers cannot hold become
 * text; what a terminal could act upon is escaped, so the line may be shown as it is.
 */
export function jsonLine(data: object): string {
  const json = JSON.stringify(data, (_name, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return `${json.replace(unsafe, escape)}\n`
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
