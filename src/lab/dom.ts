type Child = Node | string | null

/** An element with attributes and children. Text is always text: nothing here parses HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  fill(made, attributes, children)
  return made
}

/** The same for a drawing. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  fill(made, attributes, children)
  return made
}

function fill(
  made: Element,
  attributes: Readonly<Record<string, string>>,
  children: readonly Child[],
): void {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children.filter((child) => child !== null))
}

/** A button that does one thing. */
export function button(
  label: string,
  attributes: Readonly<Record<string, string>>,
  onPress: () => void,
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label)
  made.addEventListener('click', onPress)
  return made
}

/** Changes text only when it differs, so that a screen reader and a selection are left in peace. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}
