import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'

test('nothing set is English and coloured', () => {
  expect(readEnvironment({})).toEqual({ locale: 'en', mayColour: true })
})

test.each([
  [{ LANG: 'zh_CN.UTF-8' }, 'zh-CN'],
  [{ LANG: 'zh' }, 'zh-CN'],
  [{ LANG: 'zha_XX' }, 'en'],
  [{ LC_ALL: 'C', LANG: 'zh_CN.UTF-8' }, 'en'],
  [{ LC_ALL: '', LC_MESSAGES: 'zh_CN', LANG: 'en_US' }, 'zh-CN'],
])('%j is %s', (env, locale) => {
  expect(readEnvironment(env).locale).toBe(locale)
})

test.each([
  [{ NO_COLOR: '1' }, false],
  [{ NO_COLOR: '' }, true],
  [{ TERM: 'dumb' }, false],
])('%j may colour: %s', (env, mayColour) => {
  expect(readEnvironment(env).mayColour).toBe(mayColour)
})
