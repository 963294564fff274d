import { onScopeDispose, type Ref, watch } from 'vue'

import type { Conversation } from '@/api/types'

/** The customer sees it for 15 s: told again only after that, while the person goes on writing. */
const SHOWN_MS = 15_000
const AGAIN_MS = 16_000
/** After words were sent or taken back, what is written anew is told sooner. */
const LEAST_MS = 10_000

interface Telling {
  tell: (conversation: Conversation) => void
  /** The person took back what they wrote, or went elsewhere. */
  takeBack: (conversation: Conversation) => void
  now?: () => number
}

/**
 * Tell the customer, now and then, that somebody writes, and when nobody does any more. Call `typed` whenever the person
 * has typed, and `sent` when the words went out: that is seen without being told.
 */
export function useTelling(
  conversation: Readonly<Ref<Conversation>>,
  text: Readonly<Ref<string>>,
  { tell, takeBack, now = Date.now }: Telling,
): { typed: () => void; sent: () => void } {
  let toldAt = -Infinity
  let anew = true
  /** Whose customer sees it, unless its time is over. */
  let seenBy: Conversation | null = null

  watch(text, (words) => {
    if (words.trim() === '') anew = true
  })
  watch(
    () => conversation.value.id,
    () => {
      stop()
      toldAt = -Infinity
    },
    { flush: 'sync' }, // before the words of the next one are there
  )
  onScopeDispose(stop)

  function stop(): void {
    if (seenBy !== null && now() - toldAt < SHOWN_MS) takeBack(seenBy)
    seenBy = null
  }

  function typed(): void {
    const { state, sending } = conversation.value
    if (text.value.trim() === '') stop()
    if (state !== 'open' || sending !== 'api' || text.value.trim() === '') return
    if (now() - toldAt < (anew ? LEAST_MS : AGAIN_MS)) return
    toldAt = now()
    anew = false
    seenBy = conversation.value
    tell(conversation.value)
  }

  function sent(): void {
    seenBy = null
  }

  return { typed, sent }
}
