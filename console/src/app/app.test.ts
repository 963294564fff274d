import { describe, expect, it } from 'vitest'

import { preferredLocale } from '@/ui/words'

interface Words {
  [key: string]: string | Words
}

const files = import.meta.glob<Words>('../**/locales/*.json', { eager: true, import: 'default' })

function flat(words: Words, prefix = ''): [string, string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`),
  )
}

function textsOf(locale: string): Map<string, string> {
  const parts = Object.entries(files).filter(([path]) => path.endsWith(`/${locale}.json`))
  return new Map(parts.flatMap(([, words]) => flat(words)))
}

describe('the languages', () => {
  it('say the same things', () => {
    const english = [...textsOf('en').keys()].sort()
    expect(english.length).toBeGreaterThan(200)
    expect([...textsOf('zh-CN').keys()].sort()).toEqual(english)
  })

  it('fill in the same values', () => {
    const placeholders = (text = '') =>
      [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()
    const chinese = textsOf('zh-CN')
    for (const [key, text] of textsOf('en')) {
      expect([key, placeholders(chinese.get(key))]).toEqual([key, placeholders(text)])
    }
  })

  it('are chosen by the person first, then by the browser', () => {
    expect(preferredLocale(null, ['zh-TW', 'en'])).toBe('zh-CN')
    expect(preferredLocale(null, ['de', 'en-GB'])).toBe('en')
    expect(preferredLocale('en', ['zh-CN'])).toBe('en')
    expect(preferredLocale('xx', ['fr'])).toBe('en')
  })
})
