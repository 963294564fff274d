import { beforeEach, describe, expect, it } from 'vitest'
import { nextTick, ref } from 'vue'

import { Problem } from '@/api/problems'

import { canEnd, canTake, lockOf } from './composables/use-lock'
import { draftKey, useReply } from './composables/use-reply'
import { detailsOf, gistOf, kindOf } from './content'
import { arrived, failed, type Pending, sending, settled } from './outbox'
import { aConversation, aMessage, ME } from './samples'
import { timeline } from './timeline'

const QUEUE = { kind: 'queue', agent_id: null, agent_name: null } as const
const OTHER = { kind: 'agent', agent_id: 'agent-x', agent_name: 'Wang' } as const
const minutes = (count: number) => new Date(Date.UTC(2026, 10, 23, 8, count)).toISOString()

describe('writing a reply', () => {
  beforeEach(() => localStorage.clear())

  it('counts bytes, not characters, and refuses what the channel would', () => {
    const reply = useReply(ref('d'), ref(9))
    reply.text.value = '你好吗'
    expect(reply.bytesLeft.value).toBe(0)
    expect(reply.canSend.value).toBe(true)
    reply.text.value = '你好吗？'
    expect(reply.bytesLeft.value).toBe(-3)
    expect(reply.isTooLong.value).toBe(true)
    expect(reply.take()).toBeNull()
  })

  it('sends no empty words', () => {
    const reply = useReply(ref('d'), ref(null))
    reply.text.value = ' \n '
    expect(reply.canSend.value).toBe(false)
    expect(reply.take()).toBeNull()
  })

  it('keeps a draft for each conversation, also over a reload, until it is sent', async () => {
    const key = ref(draftKey(ME, 'one'))
    const reply = useReply(key, ref(100))
    reply.text.value = '草稿'
    key.value = draftKey(ME, 'two')
    await nextTick()
    expect(reply.text.value).toBe('')
    const reloaded = useReply(ref(draftKey(ME, 'one')), ref(100))
    expect(reloaded.text.value).toBe('草稿')
    expect(reloaded.take()).toBe('草稿')
    expect(useReply(ref(draftKey(ME, 'one')), ref(100)).text.value).toBe('')
  })
})

describe('the outbox', () => {
  const one: Pending = {
    key: 'k1',
    conversationId: 'conversation-1',
    threadId: 'thread-1',
    text: 'hi',
    at: minutes(0),
    problem: null,
  }
  const mine = { kind: 'agent', agent_id: ME, name: 'Lin', why: null } as const
  const hi = { version: 1, type: 'text', text: 'hi', choice_id: null } as const

  it('keeps the key of a reply that is tried again', () => {
    const broken = failed(sending([], one), 'k1', new Problem('core.unreachable', 0))
    expect(broken[0]?.problem?.isUnreachable).toBe(true)
    const again = sending(broken, broken[0] ?? one)
    expect(again).toEqual([one])
    expect(settled(again, 'k1')).toEqual([])
  })

  it('gives way to the message when the socket is quicker than the answer', () => {
    const two = { ...one, key: 'k2' }
    const left = arrived([one, two], aMessage(9, { author: mine, content: hi }), ME)
    expect(left).toEqual([two])
  })

  it('is not moved by the words of others', () => {
    expect(arrived([one], aMessage(9, { content: hi }), ME)).toEqual([one])
  })
})

describe('the composer', () => {
  it.each([
    [{}, null],
    [{ state: 'closed' as const }, 'closed'],
    [{ owner: QUEUE }, 'queued'],
    [{ owner: OTHER }, 'other'],
    [{ follow_state: 'unfollowed' as const }, 'unfollowed'],
    [
      { budget: { open: false, left: 0, most: 20, ends_at: null, reason: 'spent' as const } },
      'spent',
    ],
    [{ budget: { open: false, left: 0, most: 0, ends_at: null, reason: null } }, 'no_window'],
  ])('with %j is locked by %s', (own, lock) => {
    expect(lockOf(aConversation(own), ME)).toBe(lock)
  })

  it('offers to take over what waits, and what others have to those who supervise', () => {
    expect(canTake(aConversation({ owner: QUEUE }), ME, false)).toBe(true)
    expect(canTake(aConversation({ owner: OTHER }), ME, false)).toBe(false)
    expect(canTake(aConversation({ owner: OTHER }), ME, true)).toBe(true)
    expect(canTake(aConversation(), ME, true)).toBe(false)
    expect(canTake(aConversation({ owner: QUEUE, state: 'closed' }), ME, true)).toBe(false)
    expect(canEnd(aConversation(), ME, false)).toBe(true)
    expect(canEnd(aConversation({ owner: OTHER }), ME, false)).toBe(false)
  })
})

describe('the timeline', () => {
  it('puts together what one author said in one minute', () => {
    const entries = timeline([
      aMessage(1, { sent_at: minutes(0) }),
      aMessage(2, { sent_at: minutes(0) }),
      aMessage(3, { sent_at: minutes(1) }),
      aMessage(4, {
        sent_at: minutes(1),
        author: { kind: 'agent', agent_id: ME, name: 'Lin', why: null },
      }),
    ])
    expect(entries.map((entry) => entry.kind)).toEqual(['day', 'group', 'group', 'group'])
    expect(entries[1]).toMatchObject({ messages: [{ seq: 1 }, { seq: 2 }] })
  })

  it('tells what an agent said from what was said in their name', () => {
    const author = { kind: 'agent', agent_id: ME, name: 'Lin' } as const
    const entries = timeline([
      aMessage(1, { author: { ...author, why: 'greeting' } }),
      aMessage(2, { author: { ...author, why: null } }),
    ])
    expect(entries.filter((entry) => entry.kind === 'group')).toHaveLength(2)
  })

  it('separates days and keeps notices on their own', () => {
    const notice = { version: 1, type: 'notice', key: 'followed', values: {} } as const
    const entries = timeline([
      aMessage(1, {
        content: notice,
        author: { kind: 'system', agent_id: null, name: null, why: null },
      }),
      aMessage(2, { sent_at: new Date(Date.UTC(2026, 10, 26, 8)).toISOString() }),
    ])
    expect(entries.map((entry) => entry.kind)).toEqual(['day', 'line', 'day', 'group'])
  })
})

describe('content that is not shown yet', () => {
  const voice = {
    version: 1,
    type: 'voice',
    external_media_id: 'm1',
    external_url: null,
    external_thumb_id: null,
    format: 'amr',
    recognized_text: '我要退款',
    blob_id: null,
  } as const

  it('says what it is and the words in it', () => {
    expect(kindOf(voice)).toBe('voice')
    expect(gistOf(voice)).toBe('我要退款')
  })

  it('hides nothing that came', () => {
    const strange = {
      version: 1,
      type: 'unsupported',
      kind: 'hologram',
      fields: { a: '1', b: { c: 2 } },
    } as const
    expect(kindOf(strange)).toBe('hologram')
    expect(detailsOf(strange)).toEqual([
      ['a', '1'],
      ['b', '{"c":2}'],
    ])
    expect(detailsOf(voice).map(([name]) => name)).toEqual([
      'external_media_id',
      'format',
      'recognized_text',
    ])
  })
})
