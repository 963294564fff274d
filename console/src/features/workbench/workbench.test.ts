import { beforeEach, describe, expect, it } from 'vitest'
import { nextTick, ref } from 'vue'

import { canEnd, canTake, lockOf } from './composables/use-lock'
import { draftKey, useReply } from './composables/use-reply'
import { detailsOf, hostOf, kindOf, linkOf } from './content'
import { aConversation, aMessage, ME } from './samples'
import { timeline } from './timeline'

const QUEUE = { kind: 'queue', agent_id: null, agent_name: null } as const
const OTHER = { kind: 'agent', agent_id: 'agent-x', agent_name: 'Wang' } as const
const NOW = Date.parse('2026-11-23T08:00:00Z')
const minutes = (count: number) => new Date(Date.UTC(2026, 10, 23, 8, count)).toISOString()

describe('writing a reply', () => {
  beforeEach(() => localStorage.clear())

  const limits = (own: Partial<Record<'mostBytes' | 'left' | 'pictures', number>>) => ({
    mostBytes: ref<number | null>(own.mostBytes ?? null),
    left: ref<number | null>(own.left ?? null),
    pictures: ref(own.pictures ?? 0),
  })

  it('counts bytes, not characters, and refuses what the channel would', () => {
    const reply = useReply(ref('d'), limits({ mostBytes: 9 }))
    reply.text.value = '你好吗'
    expect(reply.bytesLeft.value).toBe(0)
    expect(reply.canSend.value).toBe(true)
    reply.text.value = '你好吗？'
    expect(reply.bytesLeft.value).toBe(-3)
    expect(reply.isTooLong.value).toBe(true)
    expect(reply.take()).toBeNull()
  })

  it('sends no empty words, unless a picture goes with them', () => {
    const reply = useReply(ref('d'), limits({}))
    reply.text.value = ' \n '
    expect(reply.canSend.value).toBe(false)
    expect(reply.take()).toBeNull()
    expect(useReply(ref('d'), limits({ pictures: 1 })).take()).toBe('')
  })

  it('does not begin what the budget would cut short', () => {
    const reply = useReply(ref('d'), limits({ left: 2, pictures: 2 }))
    expect(reply.canSend.value).toBe(true)
    reply.text.value = '还有一句'
    expect(reply.count.value).toBe(3)
    expect(reply.isOverBudget.value).toBe(true)
    expect(reply.take()).toBeNull()
  })

  it('keeps a draft for each conversation, also over a reload, until it is sent', async () => {
    const key = ref(draftKey(ME, 'one'))
    const reply = useReply(key, limits({}))
    reply.text.value = '草稿'
    key.value = draftKey(ME, 'two')
    await nextTick()
    expect(reply.text.value).toBe('')
    const reloaded = useReply(ref(draftKey(ME, 'one')), limits({}))
    expect(reloaded.text.value).toBe('草稿')
    expect(reloaded.take()).toBe('草稿')
    expect(useReply(ref(draftKey(ME, 'one')), limits({})).text.value).toBe('')
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
    [{ budget: { open: true, left: 3, most: 3, ends_at: minutes(0), reason: null } }, 'no_window'],
  ])('with %j is locked by %s', (own, lock) => {
    expect(lockOf(aConversation(own), ME, false, NOW)).toBe(lock)
  })

  it('stays open after the session for who had it, within the budget', () => {
    const closed = { state: 'closed', after_session: true } as const
    expect(lockOf(aConversation(closed), ME, false, NOW)).toBeNull()
    expect(lockOf(aConversation({ ...closed, owner: OTHER }), ME, true, NOW)).toBe('closed')
    const nobody = { kind: 'nobody', agent_id: null, agent_name: null } as const
    expect(lockOf(aConversation({ ...closed, owner: nobody }), ME, true, NOW)).toBeNull()
    expect(lockOf(aConversation({ ...closed, owner: nobody }), ME, false, NOW)).toBe('closed')
    expect(lockOf(aConversation({ ...closed, follow_state: 'unfollowed' }), ME, false, NOW)).toBe(
      'unfollowed',
    )
    const budget = { open: false, left: 0, most: 0, ends_at: null, reason: 'spent' } as const
    expect(lockOf(aConversation({ ...closed, budget }), ME, false, NOW)).toBe('spent')
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

describe('content that is shown as a card', () => {
  const voice = {
    version: 1,
    type: 'voice',
    state: 'fetching',
    external_media_id: 'm1',
    external_url: null,
    external_thumb_id: null,
    format: 'amr',
    recognized_text: '我要退款',
    blob_id: null,
  } as const

  it('says what it is', () => {
    expect(kindOf(voice)).toBe('voice')
  })

  it('leads to web addresses and nowhere else', () => {
    const link = { version: 1, type: 'link', title: 'Tea', description: '' } as const
    expect(linkOf({ ...link, url: 'https://tea.example/a?b' })).toBe('https://tea.example/a?b')
    for (const url of ['javascript:alert(1)', 'data:text/html,x', '//tea.example', 'https://', ''])
      expect(linkOf({ ...link, url })).toBeNull()
    expect(hostOf('https://tea.example:8443/a')).toBe('tea.example:8443')
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
      'state',
      'external_media_id',
      'format',
      'recognized_text',
    ])
  })
})
