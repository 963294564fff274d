import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'

import { Problem } from '@/api/problems'
import type { Conversation } from '@/api/types'
import { useKinds } from '@/channels/use-kinds'
import { useToasts } from '@/ui/toasts'

import { MOST_ATTACHMENTS } from '../state/attachments'
import { useWorkbench } from '../workbench.store'
import { useLock } from './use-lock'

/** Pictures for the next reply of a conversation: those in its tray, and the way to add more. */
export function useAttaching(conversation: Readonly<Ref<Conversation>>) {
  const { t } = useI18n({ useScope: 'global' })
  const workbench = useWorkbench()
  const kinds = useKinds()
  const toasts = useToasts()
  const lock = useLock(conversation)

  const takesPictures = computed(
    () =>
      kinds.kindOf(conversation.value.channel.kind)?.capabilities.sendable.includes('image') ===
      true,
  )
  const canAttach = computed(() => lock.value === null && takesPictures.value)
  const tray = computed(() => workbench.trayOf(conversation.value.id))
  const hasFailed = computed(() => tray.value.some((each) => each.state === 'failed'))

  function attach(files: readonly File[]): void {
    const room = MOST_ATTACHMENTS - tray.value.length
    if (files.length > room) toasts.warn(t('workbench.attach.tooMany', { most: MOST_ATTACHMENTS }))
    workbench.attach(conversation.value.id, files.slice(0, Math.max(0, room)), refusalOf)
  }

  return { canAttach, tray, hasFailed, attach }
}

/** What is plainly no picture need not be sent to hear that. A name or type that lies is for the server to find out. */
function refusalOf(file: File): Problem | null {
  if (file.type === '' || file.type.startsWith('image/')) return null
  return new Problem('conversations.upload_refused', 422, { reason: 'kind_not_allowed' })
}
