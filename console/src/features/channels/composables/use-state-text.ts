import { useI18n } from 'vue-i18n'

import type { Channel } from '@/api/types'
import { useKinds } from '@/channels/use-kinds'

/** Why a channel stands as it does, in sentences. */
export function useStateText() {
  const kinds = useKinds()
  const { t } = useI18n({ useScope: 'global' })

  function reasonsOf(channel: Channel): string[] {
    const first = channel.state_reason
    const listed = channel.state_reasons.length > 0 ? channel.state_reasons : first ? [first] : []
    return listed.map(
      (reason) =>
        kinds.reasonOf(channel.kind, reason) ?? t('channels.otherReason', { code: reason }),
    )
  }

  return { reasonsOf }
}
