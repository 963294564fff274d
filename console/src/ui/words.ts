import { createI18n } from 'vue-i18n'

import { recall, remember } from '@/lib/storage'

export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

const KEY = 'moorage.locale'

export interface Words {
  [key: string]: string | Words
}

/** Each part brings its own words, under a key of its own: a file for each language. */
function wordsOf(files: Readonly<Record<string, Words>>, locale: Locale): Words {
  const parts = Object.entries(files).filter(([path]) => path.endsWith(`/${locale}.json`))
  return Object.fromEntries(parts.flatMap(([, words]) => Object.entries(words)))
}

export function preferredLocale(stored: string | null, languages: readonly string[]): Locale {
  const wanted = stored === null ? languages : [stored, ...languages]
  for (const language of wanted) {
    if (/^zh\b/i.test(language)) return 'zh-CN'
    if (/^en\b/i.test(language)) return 'en'
  }
  return 'en'
}

/** Open the words of `files` in the language that this browser's person reads. */
export function openWords(files: Readonly<Record<string, Words>>): I18n {
  const locale = preferredLocale(recall(KEY), navigator.languages)
  document.documentElement.lang = locale
  return create(files, locale)
}

function create(files: Readonly<Record<string, Words>>, locale: Locale) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: false,
    missingWarn: import.meta.env.DEV,
    fallbackWarn: false,
    messages: { 'zh-CN': wordsOf(files, 'zh-CN'), en: wordsOf(files, 'en') },
  })
}

export type I18n = ReturnType<typeof create>

/** Show everything in `locale` from now on, and after the next visit. */
export function chooseLocale(composer: { locale: { value: string } }, locale: Locale): void {
  composer.locale.value = locale
  document.documentElement.lang = locale
  remember(KEY, locale)
}
