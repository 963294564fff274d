import { useI18n } from 'vue-i18n'

import type { Conversation } from '@/api/types'

import { useWorkbench } from '../workbench.store'

/** Who has a conversation, in words; an agent who is away is told as such. */
export function useOwner(): (conversation: Conversation) => string {
  const { t } = useI18n({ useScope: 'global' })
  const workbench = useWorkbench()

  return ({ owner, state }) => {
    if (owner.kind !== 'agent') return t(`workbench.owner.${owner.kind}`)
    const name = owner.agent_name ?? ''
    const isAway = state === 'open' && workbench.isAway(owner.agent_id)
    return isAway ? t('workbench.owner.away', { name }) : name
  }
}
