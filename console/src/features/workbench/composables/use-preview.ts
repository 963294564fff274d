import { useI18n } from 'vue-i18n'

import type { Conversation } from '@/api/types'

/** The last line of a conversation, in the reader's language where it is not the customer's or agent's own words. */
export function usePreview(): (conversation: Conversation) => string {
  const { t, te } = useI18n({ useScope: 'global' })

  function said(type: string, preview: string): string {
    if (type === 'text') return preview
    if (type === 'notice') return t('notices.some')
    const kind = te(`content.kind.${type}`) ? t(`content.kind.${type}`) : type
    const bracketed = t('content.bracketed', { kind })
    return preview ? `${bracketed} ${preview}` : bracketed // what was understood of a voice
  }

  return ({ last_message: last }) => {
    if (!last) return ''
    const words = said(last.type, last.preview)
    const rule = last.author_kind === 'system' && last.type !== 'notice'
    return rule || last.author_kind === 'agent' || last.author_kind === 'bot'
      ? t('workbench.said', { words })
      : words
  }
}
