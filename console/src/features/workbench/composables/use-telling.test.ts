import { describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'

import { aConversation } from '../samples'
import { useTelling } from './use-telling'

function writing(own: Parameters<typeof aConversation>[0] = {}) {
  const conversation = ref(aConversation(own))
  const text = ref('')
  const tell = vi.fn()
  const takeBack = vi.fn()
  const scope = effectScope()
  let at = 0
  const telling = scope.run(() => useTelling(conversation, text, { tell, takeBack, now: () => at }))
  return {
    tell,
    takeBack,
    conversation,
    leaves: () => scope.stop(),
    async sends(atMs: number) {
      at = atMs
      telling?.sent()
      text.value = ''
      await nextTick()
    },
    async types(words: string, atMs: number) {
      at = atMs
      text.value = words
      await nextTick()
      telling?.typed()
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
    const { types, sends, tell } = writing()
    await types(' ', 0)
    expect(tell).not.toHaveBeenCalled()
    await types('您', 1_000)
    await sends(5_000)
    await types('好', 8_000)
    expect(tell).toHaveBeenCalledTimes(1)
    await types('好的', 11_000)
    expect(tell).toHaveBeenCalledTimes(2)
  })

  it('is taken back with the words, once, while it is seen', async () => {
    const { types, takeBack } = writing()
    await types('您', 0)
    await types('', 3_000)
    await types('', 4_000)
    expect(takeBack).toHaveBeenCalledTimes(1)
    await types('好', 20_000)
    await types('', 36_000)
    expect(takeBack).toHaveBeenCalledTimes(1)
  })

  it('is not taken back from words that were sent', async () => {
    const { types, sends, leaves, takeBack } = writing()
    await types('您', 0)
    await sends(1_000)
    leaves()
    expect(takeBack).not.toHaveBeenCalled()
  })

  it('is taken back from whom the person leaves', async () => {
    const { types, leaves, conversation, takeBack } = writing()
    const first = conversation.value
    await types('您', 0)
    const second = aConversation({ id: 'another' })
    conversation.value = second
    expect(takeBack).toHaveBeenLastCalledWith(first)
    await types('好', 1_000)
    leaves()
    expect(takeBack).toHaveBeenLastCalledWith(second)
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
