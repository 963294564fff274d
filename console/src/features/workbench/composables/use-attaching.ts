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

  /** Where an account can only answer, it answers with words. */
  const takesPictures = computed(() => {
    const { channel, sending } = conversation.value
    const sendable = kinds.kindOf(channel.kind)?.capabilities.sendable ?? []
    return sending === 'api' && sendable.includes('image')
  })
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

/** The server takes no larger file, and breaks the line of whoever sends one: the reason would not come through. */
const MOST_BYTES = 20 * 1024 * 1024

/** What plainly cannot be sent need not be sent to hear that. A type that lies is for the server to find out. */
function refusalOf({ type, size }: File): Problem | null {
  if (type !== '' && !type.startsWith('image/')) return refused({ reason: 'kind_not_allowed' })
  if (size > MOST_BYTES)
    return refused({ reason: 'too_large', bytes: size, most_bytes: MOST_BYTES })
  return null
}

function refused(details: Record<string, unknown>): Problem {
  return new Problem('conversations.upload_refused', 422, details)
}
