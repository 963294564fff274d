import { useI18n } from 'vue-i18n'

import { type Problem } from '@/api/problems'
import type { MenuDifference, MenuFault, MenuRule } from '@/api/types'
import { useKinds } from '@/channels/use-kinds'
import { useProblemText } from '@/ui/problem-text'

/** Faults, differences, refusals and rules in the reader's words. */
export function useMenuText() {
  const { t, te, locale } = useI18n({ useScope: 'global' })
  const { reasonOf } = useKinds()
  const problemText = useProblemText()

  function fault({ field, reason, values, item_id: item }: MenuFault): string {
    const whole = `menu.fault.${field}_${reason}_menu`
    const key = item === null && te(whole) ? whole : `menu.fault.${field}_${reason}`
    return te(key) ? t(key, values) : t('menu.fault.other')
  }

  function difference({ kind, name, to }: MenuDifference): string {
    if (kind === 'reordered' && name === '') return t('menu.difference.reordered_bar')
    if (kind === 'moved') {
      return to === null
        ? t('menu.difference.moved_bar', { name })
        : t('menu.difference.moved', { name, to })
    }
    return t(`menu.difference.${kind}`, { name, to: to ?? '' })
  }

  function reason(kind: string, word: string | null): string {
    if (word === null) return ''
    if (te(`menu.reason.${word}`)) return t(`menu.reason.${word}`)
    return reasonOf(kind, word) ?? t('menu.reason.other')
  }

  /** What to say of a command that did not work; a refusal of the provider's by its own reason. */
  function problem(kind: string, failed: Problem): string {
    const word = failed.details.reason
    if (failed.code === 'channels.menu_refused' && typeof word === 'string')
      return reason(kind, word)
    return problemText(failed)
  }

  function language(code: string): string {
    const names = new Intl.DisplayNames([locale.value], { type: 'language' })
    return names.of(code.replace('_', '-')) ?? code
  }

  function rule({ tag_id: tag, language: code, platform }: MenuRule): string {
    const parts = [
      tag ? t('menu.rule.tagged', { tag }) : '',
      code ? language(code) : '',
      platform ? t(`menu.rule.on.${platform}`) : '',
    ].filter(Boolean)
    return parts.length > 0 ? parts.join(' · ') : t('menu.rule.nobody')
  }

  return { fault, difference, reason, problem, language, rule }
}
