import { describe, expect, it } from 'vitest'
import { parseKeys, type Key } from './keys.ts'
import { complete, emptyLine, press, type LineAction, type LineState } from './line-editor.ts'

/** Types what a terminal would send and returns where the editor ends up. */
function type(data: string, start: LineState = emptyLine()) {
  return pressAll(parseKeys(data), start)
}

function pressAll(keys: readonly Key[], start: LineState) {
  let state = start
  const actions: LineAction[] = []
  for (const key of keys) {
    const step = press(state, key)
    state = step.state
    if (step.action) actions.push(step.action)
  }
  return { state, actions, shown: show(state) }
}

/** The line with `|` where the cursor stands. */
function show(state: LineState): string {
  return `${state.text.slice(0, state.cursor)}|${state.text.slice(state.cursor)}`
}

describe('line editor', () => {
  it('inserts at the cursor', () => {
    expect(type('discver\x1b[D\x1b[D\x1b[Do').shown).toBe('disco|ver')
  })

  it('moves and deletes whole graphemes', () => {
    expect(type('a👩‍👩‍👧服\x1b[D').shown).toBe('a👩‍👩‍👧|服')
    expect(type('a👩‍👩‍👧服\x1b[D\x7f').shown).toBe('a|服')
    expect(type('e\u0301x\x01\x1b[3~').shown).toBe('|x')
  })

  it('moves by words and to both ends', () => {
    expect(type('register hello --port 80\x1b[1;5D\x1b[1;5D').shown).toBe(
      'register hello |--port 80',
    )
    expect(type('one two\x01\x1b[1;5C').shown).toBe('one| two')
    expect(type('one two\x01').shown).toBe('|one two')
    expect(type('one two\x01\x05').shown).toBe('one two|')
  })

  it('kills to the end, to the start and a word, and yanks the last kill', () => {
    expect(type('one two three\x1bb\x0b').shown).toBe('one two |')
    expect(type('one two three\x1bb\x15').shown).toBe('|three')
    expect(type('one two three\x17').shown).toBe('one two |')
    expect(type('one two\x17\x01\x19').shown).toBe('two|one ')
  })

  it('submits the line, remembers it once and empties itself', () => {
    const { state, actions } = type('services\rservices\r')
    expect(actions).toEqual([
      { type: 'submit', line: 'services' },
      { type: 'submit', line: 'services' },
    ])
    expect(state.history).toEqual(['services'])
    expect(state.text).toBe('')
  })

  it('walks through the history and comes back to the draft', () => {
    const start = emptyLine(['first', 'second'])
    expect(type('dra\x1b[A', start).shown).toBe('second|')
    expect(type('dra\x1b[A\x1b[A\x1b[A', start).shown).toBe('first|')
    expect(type('dra\x1b[A\x1b[A\x1b[B\x1b[B', start).shown).toBe('dra|')
    expect(type('\x1b[B', start).shown).toBe('|')
  })

  it('finds an older line with Ctrl-R and gives the draft back on Escape', () => {
    const start = emptyLine(['discover hello', 'cluster', 'discover order'])
    expect(type('\x12disc', start).shown).toBe('discover order|')
    expect(type('\x12disc\x12', start).shown).toBe('discover hello|')
    expect(type('mine\x12disc\x1b', start).shown).toBe('mine|')
    expect(type('\x12clu\r', start).actions).toEqual([{ type: 'submit', line: 'cluster' }])
    expect(type('\x12disc\x05 x', start).shown).toBe('discover order x|')
  })

  it('drops the line and what was pasted on Ctrl-C', () => {
    const start = press(emptyLine(), { type: 'paste', text: 'one\ntwo' }).state
    const { state, actions } = type('\x03', start)
    expect(actions).toEqual([{ type: 'interrupt' }])
    expect(show(state)).toBe('|')
    expect(state.pasted).toEqual([])
  })

  it('never runs a pasted line by itself', () => {
    const pasted = pressAll(
      [{ type: 'paste', text: 'register a\r\n\r\nregister b\nservices\n' }],
      emptyLine(),
    )
    expect(pasted.actions).toEqual([])
    expect(pasted.shown).toBe('register a|')
    expect(pasted.state.pasted).toEqual(['register b', 'services'])
    const second = type('\r', pasted.state)
    expect(second.actions).toEqual([{ type: 'submit', line: 'register a' }])
    expect(second.shown).toBe('register b|')
    expect(type('\r\r', second.state).state.pasted).toEqual([])
  })

  it('takes a prompt off a pasted example and control characters out of it', () => {
    expect(pressAll([{ type: 'paste', text: '$ etcdctl get a\n' }], emptyLine()).shown).toBe(
      'etcdctl get a|',
    )
    expect(pressAll([{ type: 'paste', text: 'lab$ services' }], emptyLine()).shown).toBe(
      'services|',
    )
    expect(pressAll([{ type: 'paste', text: 'a\x1b[31mb\x07\tc\ud800' }], emptyLine()).shown).toBe(
      'a[31mb c\ufffd|',
    )
  })

  it('asks for completion on Tab and for a clean screen on Ctrl-L', () => {
    expect(type('re\t\x0c').actions).toEqual([{ type: 'complete' }, { type: 'clear' }])
  })

  it('ignores keys it does not know', () => {
    expect(type('a\x1b[15~\x1b[2~\x1b[200~b\x00').shown).toBe('ab|')
  })

  it('deletes with Ctrl-D and does nothing with it on an empty line', () => {
    expect(type('ab\x01\x04').shown).toBe('|b')
    expect(type('\x04')).toMatchObject({ shown: '|', actions: [] })
  })
})

describe('completion', () => {
  const candidate = (value: string) => ({ value, description: '' })

  it('inserts a single candidate with a space behind it', () => {
    const done = complete(type('regi').state, 0, [candidate('register')])
    expect(show(done.state)).toBe('register |')
    expect(done.list).toEqual([])
  })

  it('does not double a space that is already there', () => {
    const { state } = type('regi hello\x01\x1b[C\x1b[C\x1b[C\x1b[C')
    expect(show(complete(state, 0, [candidate('register')]).state)).toBe('register| hello')
  })

  it('inserts what several have in common, then lists them', () => {
    const both = [candidate('etcd1'), candidate('etcd2')]
    const first = complete(type('kill e').state, 5, both)
    expect(show(first.state)).toBe('kill etcd|')
    expect(first.list).toEqual([])
    const second = complete(first.state, 5, both)
    expect(second.state).toBe(first.state)
    expect(second.list).toEqual(both)
  })

  it('leaves the line alone when nothing fits', () => {
    const { state } = type('xyz')
    expect(complete(state, 0, [])).toEqual({ state, list: [] })
  })
})
