import { useI18n } from 'vue-i18n'

import { formatSize } from '@/lib/bytes'

interface Told {
  code: string
  details: Readonly<Record<string, unknown>>
}

/** Words for a failure by its code; one that has none yet still says that it failed, and its code. */
export function useProblemText(): (problem: Told) => string {
  const { t, te, locale } = useI18n({ useScope: 'global' })
  return ({ code, details: told }) => {
    const details = { ...told, ...sizesOf(told, locale.value) }
    const byReason = typeof told.reason === 'string' ? `errors.${code}__${told.reason}` : ''
    if (byReason && te(byReason)) return t(byReason, details)
    return te(`errors.${code}`) ? t(`errors.${code}`, details) : t('errors.other', { code })
  }
}

/** Bytes as people read them: beside `most_bytes` there is `most_bytes_size`. */
function sizesOf(details: Told['details'], locale: string): Record<string, string> {
  const sizes: Record<string, string> = {}
  for (const [name, value] of Object.entries(details))
    if (name.endsWith('bytes') && typeof value === 'number')
      sizes[`${name}_size`] = formatSize(value, locale)
  return sizes
}
