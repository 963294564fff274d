import { computed, type Ref, ref, watch } from 'vue'

import { utf8Length } from '@/lib/bytes'
import { recall, remember } from '@/lib/storage'

/** Keys of the drafts, one per person and conversation, which outlive a reload. */
export function draftKey(agentId: string, conversationId: string): string {
  return `moorage.draft.${agentId}.${conversationId}`
}

/**
 * What is being written, kept per conversation. `most` is what the channel takes at once, in UTF-8 bytes; null where
 * it sets no limit or is not known yet.
 */
export function useReply(key: Ref<string>, most: Ref<number | null>) {
  const text = ref('')
  const bytesLeft = computed(() =>
    most.value === null ? null : most.value - utf8Length(text.value.trim()),
  )
  const isTooLong = computed(() => bytesLeft.value !== null && bytesLeft.value < 0)
  const canSend = computed(() => text.value.trim() !== '' && !isTooLong.value)

  watch(key, (now) => (text.value = recall(now) ?? ''), { immediate: true, flush: 'sync' })
  watch(text, (now) => remember(key.value, now === '' ? null : now), { flush: 'sync' })

  /** Return what is to be sent, and begin anew; null if it cannot be sent. */
  function take(): string | null {
    if (!canSend.value) return null
    const words = text.value.trim()
    text.value = ''
    return words
  }

  return { text, bytesLeft, isTooLong, canSend, take }
}
