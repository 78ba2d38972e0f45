import { expect, test } from 'vitest'
import { preferredLanguage } from './offer-language.ts'

test.each([
  [['zh-CN', 'en'], 'zh-CN'],
  [['zh-TW'], 'zh-CN'],
  [['en-GB', 'zh'], 'en'],
  [['de', 'fr', 'zh-Hans-CN'], 'zh-CN'],
  [['de', 'fr'], null],
  [[], null],
])('a browser that asks for %j prefers %j', (languages, expected) => {
  expect(preferredLanguage(languages)).toBe(expected)
})
