import { useI18n } from 'vue-i18n'

interface Told {
  code: string
  details: Readonly<Record<string, unknown>>
}

/** Words for a failure by its code; one that has none yet still says that it failed, and its code. */
export function useProblemText(): (problem: Told) => string {
  const { t, te } = useI18n({ useScope: 'global' })
  return ({ code, details }) => {
    const byReason = typeof details.reason === 'string' ? `errors.${code}__${details.reason}` : ''
    if (byReason && te(byReason)) return t(byReason, details)
    return te(`errors.${code}`) ? t(`errors.${code}`, details) : t('errors.other', { code })
  }
}
