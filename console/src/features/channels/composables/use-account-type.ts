import { useI18n } from 'vue-i18n'

import type { Channel } from '@/api/types'

/** What sort of account it is, as far as somebody told us: "Service account, certified". */
export function useAccountType(): (channel: Channel) => string {
  const { t } = useI18n({ useScope: 'global' })
  return ({ account_type: type, verified }) => {
    const words = []
    if (type) words.push(t(`channels.accountType.${type}`))
    if (verified !== null) words.push(t(verified ? 'channels.verified' : 'channels.notVerified'))
    return words.join(t('channels.comma'))
  }
}
