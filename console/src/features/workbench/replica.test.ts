import { describe, expect, it } from 'vitest'

import type { Fact } from '@/realtime/messages'

import {
  EMPTY,
  listed,
  type Replica,
  withConversations,
  withFact,
  withMessage,
  withoutForgotten,
  withPage,
} from './replica'
import { aConversation, aMessage, ME } from './samples'

const page = (...seqs: number[]) => ({ items: seqs.map((seq) => aMessage(seq)), hasOlder: true })
const seqs = (replica: Replica) => replica.threads.get('thread-1')?.messages.map((each) => each.seq)

function changed(version: number, own: Parameters<typeof aConversation>[0] = {}): Fact {
  const payload = aConversation({ version, ...own })
  return { seq: version, topic: 'conversation.changed', object_id: payload.id, version, payload }
}

function added(seq: number, version = 1): Fact {
  const payload = aMessage(seq, { version })
  return { seq, topic: 'message.added', object_id: payload.id, version, payload }
}

describe('the replica', () => {
  it('takes a conversation only if it is newer', () => {
    const newer = withFact(EMPTY, changed(3, { unread: 2 }))
    const older = withFact(newer, changed(2, { unread: 1 }))
    expect(older).toBe(newer)
    expect(withConversations(newer, [aConversation({ version: 1 })])).toBe(newer)
  })

  it('ends the same in whatever order snapshots and facts arrive', () => {
    const steps = [
      (replica: Replica) => withPage(replica, 'thread-1', page(3, 4, 5)),
      (replica: Replica) => withFact(replica, added(6)),
      (replica: Replica) => withFact(replica, { ...added(6, 2), topic: 'message.changed' }),
      (replica: Replica) => withConversations(replica, [aConversation({ version: 2 })]),
      (replica: Replica) => withFact(replica, changed(4, { unread: 1 })),
      (replica: Replica) => withFact(replica, changed(3)),
    ]
    const opened = withPage(EMPTY, 'thread-1', page(3, 4, 5))
    const inOrder = steps.reduce((replica, step) => step(replica), opened)
    const backwards = steps.toReversed().reduce((replica, step) => step(replica), opened)
    expect(backwards).toEqual(inOrder)
    expect(seqs(inOrder)).toEqual([3, 4, 5, 6])
    expect(inOrder.threads.get('thread-1')?.messages.at(-1)?.version).toBe(2)
  })

  it('shows a message once, however often it comes', () => {
    const once = withFact(withPage(EMPTY, 'thread-1', page(1)), added(2))
    expect(seqs(withMessage(withFact(once, added(2)), aMessage(2)))).toEqual([1, 2])
  })

  it('leaves out messages of threads that nobody opened', () => {
    expect(withFact(EMPTY, added(1))).toBe(EMPTY)
  })

  it('grows backwards and knows when the beginning is reached', () => {
    const newest = withPage(EMPTY, 'thread-1', page(3, 4))
    const whole = withPage(newest, 'thread-1', {
      items: [aMessage(1), aMessage(2)],
      hasOlder: false,
    })
    expect(seqs(whole)).toEqual([1, 2, 3, 4])
    expect(whole.threads.get('thread-1')?.hasOlder).toBe(false)
    const reread = withPage(whole, 'thread-1', page(3, 4))
    expect(reread.threads.get('thread-1')?.hasOlder).toBe(false)
  })

  it('is not upset by facts that it does not know or that are broken', () => {
    expect(withFact(EMPTY, { ...added(1), topic: 'weather.changed' })).toBe(EMPTY)
    expect(withFact(EMPTY, { ...changed(1), payload: null })).toBe(EMPTY)
  })
})

describe('a list', () => {
  const replica = withConversations(EMPTY, [
    aConversation({ id: 'old', last_message_at: '2026-11-23T08:00:00Z' }),
    aConversation({ id: 'new', last_message_at: '2026-11-23T09:00:00Z' }),
    aConversation({ id: 'other', owner: { kind: 'agent', agent_id: 'x', agent_name: 'X' } }),
    aConversation({
      id: 'second',
      owner: { kind: 'queue', agent_id: null, agent_name: null },
      queued_at: '2026-11-23T08:02:00Z',
    }),
    aConversation({
      id: 'first',
      owner: { kind: 'queue', agent_id: null, agent_name: null },
      queued_at: '2026-11-23T08:01:00Z',
    }),
    aConversation({ id: 'done', state: 'closed' }),
  ])
  const ids = (scope: 'mine' | 'queue' | 'all', state: 'open' | 'closed' = 'open') =>
    listed(replica, { scope, state, me: ME }).map((each) => each.id)

  it('of mine has the newest first', () => {
    expect(ids('mine')).toEqual(['new', 'old'])
  })

  it('of the queue has who came first on top', () => {
    expect(ids('queue')).toEqual(['first', 'second'])
  })

  it('of ended ones has those that I served', () => {
    expect(ids('mine', 'closed')).toEqual(['done'])
  })

  it('loses a conversation that was passed on, and shows it to its new owner', () => {
    const passed = withFact(
      replica,
      changed(2, { id: 'new', owner: { kind: 'agent', agent_id: 'x', agent_name: 'X' } }),
    )
    expect(listed(passed, { scope: 'mine', state: 'open', me: ME }).map((each) => each.id)).toEqual(
      ['old'],
    )
    expect(
      listed(passed, { scope: 'mine', state: 'open', me: 'x' }).map((each) => each.id),
    ).toContain('new')
  })
})

describe('reading everything again', () => {
  it('drops messages that nobody knows the way to', () => {
    const old = withPage(EMPTY, 'thread-1', page(1, 2))
    expect(seqs(withPage(old, 'thread-1', page(7, 8)))).toEqual([7, 8])
    expect(seqs(withPage(old, 'thread-1', page(3, 4)))).toEqual([1, 2, 3, 4])
  })

  it('drops conversations that did not come back, and keeps those that changed meanwhile', () => {
    const before = withConversations(EMPTY, [
      aConversation({ id: 'gone' }),
      aConversation({ id: 'read' }),
      aConversation({ id: 'changed' }),
    ])
    const after = withFact(before, changed(2, { id: 'changed' }))
    const kept = withoutForgotten(after, before, new Set(['read']))
    expect([...kept.conversations.keys()]).toEqual(['read', 'changed'])
  })
})
