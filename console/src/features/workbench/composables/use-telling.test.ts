import { describe, expect, it, vi } from 'vitest'
import { nextTick, ref } from 'vue'

import { aConversation } from '../samples'
import { useTelling } from './use-telling'

function writing(own: Parameters<typeof aConversation>[0] = {}) {
  const conversation = ref(aConversation(own))
  const text = ref('')
  const tell = vi.fn()
  let at = 0
  const typed = useTelling(conversation, text, { tell, now: () => at })
  return {
    tell,
    async types(words: string, atMs: number) {
      at = atMs
      text.value = words
      await nextTick()
      typed()
    },
  }
}

describe('that somebody writes', () => {
  it('is told at once, and again only when it is no longer seen', async () => {
    const { types, tell } = writing()
    await types('您', 0)
    await types('您好', 12_000)
    expect(tell).toHaveBeenCalledTimes(1)
    await types('您好，', 16_000)
    expect(tell).toHaveBeenCalledTimes(2)
  })

  it('is not told of nothing, and sooner again after words were sent', async () => {
    const { types, tell } = writing()
    await types(' ', 0)
    expect(tell).not.toHaveBeenCalled()
    await types('您', 1_000)
    await types('', 5_000)
    await types('好', 8_000)
    expect(tell).toHaveBeenCalledTimes(1)
    await types('好的', 11_000)
    expect(tell).toHaveBeenCalledTimes(2)
  })

  it.each([{ state: 'closed' as const }, { sending: 'passive_only' as const }])(
    'is not told where nothing goes out: %j',
    async (own) => {
      const { types, tell } = writing(own)
      await types('您', 0)
      expect(tell).not.toHaveBeenCalled()
    },
  )
})
