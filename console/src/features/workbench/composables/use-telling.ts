import { type Ref, watch } from 'vue'

import type { Conversation } from '@/api/types'

/** The customer sees it for 15 s: told again only after that, while the person goes on writing. */
const AGAIN_MS = 16_000
/** After words were sent or taken back, what is written anew is told sooner. */
const LEAST_MS = 10_000

/** Tell the customer, now and then, that somebody writes. Call what is returned whenever the person has typed. */
export function useTelling(
  conversation: Readonly<Ref<Conversation>>,
  text: Readonly<Ref<string>>,
  { tell, now = Date.now }: { tell: (conversation: Conversation) => void; now?: () => number },
): () => void {
  let toldAt = -Infinity
  let anew = true

  watch(text, (words) => {
    if (words.trim() === '') anew = true
  })
  watch(
    () => conversation.value.id,
    () => {
      toldAt = -Infinity
    },
  )

  return () => {
    const { state, sending } = conversation.value
    if (state !== 'open' || sending !== 'api' || text.value.trim() === '') return
    if (now() - toldAt < (anew ? LEAST_MS : AGAIN_MS)) return
    toldAt = now()
    anew = false
    tell(conversation.value)
  }
}
