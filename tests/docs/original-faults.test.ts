import { describe, expect, test } from 'vitest'
import faults from '../../content/data/original-faults.json' with { type: 'json' }
import { naiveFaults } from '../../lab-server/registry/naive/naive-fault.ts'
import { messagesFor } from '../../lab-server/shell/messages/messages.ts'

test('the page lists the faults that the naive registry has, in its order', () => {
  const listed = faults.map(({ number, name, seen }) => ({ number, name, seen }))
  expect(listed).toEqual(naiveFaults)
})

describe.each(['en', 'zh-CN'] as const)('in %s', (locale) => {
  test('the page and the command say the same of each fault', () => {
    const onPage = faults.map(({ name, title, symptom }) => {
      return [name, { title: title[locale], symptom: symptom[locale] }] as const
    })
    expect(messagesFor(locale).naive.faults).toEqual(Object.fromEntries(onPage))
  })

  test('the page says of each fault what would be right', () => {
    expect(faults.filter(({ design }) => design[locale] === '')).toEqual([])
  })
})
