import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'

import { Problem } from '@/api/problems'
import type { Conversation } from '@/api/types'
import { useKinds } from '@/channels/use-kinds'
import { useToasts } from '@/ui/toasts'

import type { FileKind } from '../outbox'
import { kindOf, MOST_ATTACHMENTS } from '../state/attachments'
import { useWorkbench } from '../workbench.store'
import { useLock } from './use-lock'

/** Files for the next reply of a conversation: those in its tray, and the way to add more. */
export function useAttaching(conversation: Readonly<Ref<Conversation>>) {
  const { t } = useI18n({ useScope: 'global' })
  const workbench = useWorkbench()
  const kinds = useKinds()
  const toasts = useToasts()
  const lock = useLock(conversation)

  /** What can be sent here beside words. Where an account can only answer, it answers with words: choices can be such. */
  const takes = computed((): readonly string[] => {
    const { channel, sending } = conversation.value
    if (lock.value !== null) return []
    const sendable = kinds.kindOf(channel.kind)?.capabilities.sendable ?? []
    return sending === 'api' ? sendable : sendable.filter((kind) => kind === 'choices')
  })
  const canAttach = computed(() => takes.value.some((kind) => kind in MOST_BYTES))
  const canRecord = computed(() => takes.value.includes('voice'))
  const tray = computed(() => workbench.trayOf(conversation.value.id))
  const hasFailed = computed(() => tray.value.some((each) => each.state === 'failed'))
  const isAsking = computed(() => tray.value.some((each) => each.state === 'asking'))

  function attach(files: readonly File[]): void {
    const room = MOST_ATTACHMENTS - tray.value.length
    if (files.length > room) toasts.warn(t('workbench.attach.tooMany', { most: MOST_ATTACHMENTS }))
    workbench.attach(conversation.value.id, files.slice(0, Math.max(0, room)), refusalOf)
  }

  /** What plainly cannot be sent need not be sent to hear that. A type that lies is for the server to find out. */
  function refusalOf(file: File): Problem | null {
    const kind = kindOf(file)
    if (!takes.value.includes(kind)) return refused({ reason: 'kind_not_allowed' })
    const most = MOST_BYTES[kind]
    return file.size > most
      ? refused({ reason: 'too_large', bytes: file.size, most_bytes: most })
      : null
  }

  return { takes, canAttach, canRecord, tray, hasFailed, isAsking, attach }
}

/** The server takes no larger file, and breaks the line of whoever sends one: the reason would not come through. */
const MOST_BYTES: Readonly<Record<FileKind, number>> = {
  image: 20 * 1024 * 1024,
  voice: 20 * 1024 * 1024,
  video: 50 * 1024 * 1024,
  file: 50 * 1024 * 1024,
}

function refused(details: Record<string, unknown>): Problem {
  return new Problem('conversations.upload_refused', 422, details)
}
