import { type I18n, openWords, type Words } from '@/ui/words'

const files: Record<string, Words> = import.meta.glob(['../**/locales/*.json', '!../customer/**'], {
  eager: true,
  import: 'default',
})

/** The console's words; customers' pages have their own. */
export function openI18n(): I18n {
  return openWords(files)
}
