import { computed, type Ref, ref, watch } from 'vue'

import { utf8Length } from '@/lib/bytes'
import { recall, remember } from '@/lib/storage'

/** Keys of the drafts, one per person and conversation, which outlive a reload. */
export function draftKey(agentId: string, conversationId: string): string {
  return `moorage.draft.${agentId}.${conversationId}`
}

export interface Limits {
  /** What the channel takes at once, in UTF-8 bytes; null where it sets no limit or is not known yet. */
  mostBytes: Ref<number | null>
  /** How many messages the budget has left; null where it sets no limit. */
  left: Ref<number | null>
  /** How many pictures go with the words, each a message of its own. */
  pictures: Ref<number>
}

/** What is being written, kept per conversation under `key`. */
export function useReply(key: Ref<string>, { mostBytes, left, pictures }: Limits) {
  const text = ref('')
  const bytesLeft = computed(() =>
    mostBytes.value === null ? null : mostBytes.value - utf8Length(text.value.trim()),
  )
  const isTooLong = computed(() => bytesLeft.value !== null && bytesLeft.value < 0)
  const count = computed(() => pictures.value + (text.value.trim() === '' ? 0 : 1))
  const isOverBudget = computed(() => left.value !== null && count.value > left.value)
  const canSend = computed(() => count.value > 0 && !isTooLong.value && !isOverBudget.value)

  watch(key, (now) => (text.value = recall(now) ?? ''), { immediate: true, flush: 'sync' })
  watch(text, (now) => remember(key.value, now === '' ? null : now), { flush: 'sync' })

  /** Return the words to be sent, and begin anew; null if nothing can be sent. Pictures may go without words. */
  function take(): string | null {
    if (!canSend.value) return null
    const words = text.value.trim()
    text.value = ''
    return words
  }

  return { text, bytesLeft, isTooLong, count, isOverBudget, canSend, take }
}
