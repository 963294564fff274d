import { describe, expect, it } from 'vitest'

import type { Fact } from '@/realtime/messages'

import {
  contradicts,
  EMPTY,
  listed,
  outdated,
  type Replica,
  withChannelState,
  withConversations,
  withFact,
  withMessage,
  withoutOutdated,
  withPage,
} from './replica'
import { aConversation, aMessage, ME } from './samples'

const AGENT = { me: ME, supervises: false, groups: ['group-1'] }
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
  it('calls a customer by their new name in every conversation', () => {
    const other = { id: 'other', customer: { id: 'customer-2', name: 'Jun', avatar_url: null } }
    const before = withConversations(EMPTY, [aConversation(), aConversation(other)])
    const payload = { id: 'customer-1', name: 'Ms Wang', avatar_url: '/mei', version: 2 }
    const fact = { seq: 9, topic: 'customer.changed', object_id: payload.id, version: 2, payload }
    const after = withFact(before, fact)
    expect([...after.conversations.values()].map((each) => each.customer.name)).toEqual([
      'Ms Wang',
      'Jun',
    ])
    const pictures = [...after.conversations.values()].map((each) => each.customer.avatar_url)
    expect(pictures).toEqual(['/mei', null])
  })

  it('takes the words out of an erased thread, and leaves what staff and accounts did', () => {
    const line = (seq: number, key: string) =>
      aMessage(seq, { content: { version: 1, type: 'notice', key, values: { how: 'scanned' } } })
    const items = [aMessage(1), line(2, 'event_seen'), line(3, 'channel_muted')]
    const before = withPage(EMPTY, 'thread-1', { items, hasOlder: false })
    const fact = { seq: 9, topic: 'thread.erased', object_id: 'thread-1', version: 0, payload: {} }
    const after = withFact(before, fact)
    const types = after.threads.get('thread-1')?.messages.map((each) => each.content.type)
    expect(types).toEqual(['erased', 'erased', 'notice'])
  })

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
    listed(replica, { ...AGENT, scope, state }).map((each) => each.id)

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
    expect(
      listed(passed, { ...AGENT, scope: 'mine', state: 'open' }).map((each) => each.id),
    ).toEqual(['old'])
    expect(
      listed(passed, { ...AGENT, scope: 'mine', state: 'open', me: 'x' }).map((each) => each.id),
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
    const during = withFact(outdated(before), changed(2, { id: 'changed' }))
    const after = withoutOutdated(withConversations(during, [aConversation({ id: 'read' })]))
    expect([...after.conversations.keys()]).toEqual(['read', 'changed'])
  })

  it('believes a restored database, whose versions are lower than those that were seen', () => {
    const before = withFact(
      withPage(withConversations(EMPTY, [aConversation({ version: 9, unread: 4 })]), 'thread-1', {
        items: [aMessage(1), aMessage(2, { version: 5 }), aMessage(3)],
        hasOlder: false,
      }),
      added(4),
    )
    const restored = withPage(
      withConversations(outdated(before), [aConversation({ version: 3, unread: 1 })]),
      'thread-1',
      { items: [aMessage(1), aMessage(2, { version: 1 })], hasOlder: false },
    )
    expect(seqs(restored)).toEqual([1, 2])
    expect(restored.threads.get('thread-1')?.messages[1]?.version).toBe(1)
    const later = withFact(withoutOutdated(restored), changed(4, { unread: 2 }))
    expect(later.conversations.get('conversation-1')?.unread).toBe(2)
  })
})

describe('a channel that changes', () => {
  const known = withConversations(EMPTY, [aConversation({ state: 'closed', after_session: true })])
  const news = { id: 'channel-1', name: 'Morning Mist', state: 'active', verified: true } as const

  it('is read about again where it falls silent, comes back, is renamed or verified', () => {
    expect(contradicts(known, { ...news, state: 'deauthorized' })).toBe(true)
    expect(contradicts(known, { ...news, name: 'Evening Mist' })).toBe(true)
    expect(contradicts(known, { ...news, verified: false })).toBe(true)
    const silent = { ...aConversation().channel, state: 'undocked' } as const
    expect(contradicts(withConversations(EMPTY, [aConversation({ channel: silent })]), news)).toBe(
      true,
    )
  })

  it('is shown as failing at once, and as working again', () => {
    const stateIn = (replica: Replica) => replica.conversations.get('conversation-1')?.channel.state
    const failing = withChannelState(known, { ...news, state: 'failing' })
    expect(stateIn(failing)).toBe('failing')
    expect(stateIn(withChannelState(failing, news))).toBe('active')
    expect(withChannelState(known, { ...news, id: 'channel-2', state: 'failing' })).toBe(known)
  })

  it('is not where nothing shows of it', () => {
    expect(contradicts(known, { ...news, state: 'failing' })).toBe(false)
    expect(contradicts(known, { ...news, id: 'channel-2', state: 'undocked' })).toBe(false)
  })
})

/** A server with a log: what each object is after each of its changes, in the order of the log. */
function history(chance: () => number) {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(chance() * from.length)]
  const now = { conversations: new Map<string, number>(), messages: new Map<number, number>() }
  const log: Fact[] = []
  for (let seq = 1; seq <= 40; seq += 1) {
    if (chance() < 0.5) {
      const id = pick(['a', 'b', 'c']) ?? 'a'
      const version = (now.conversations.get(id) ?? 0) + 1
      now.conversations.set(id, version)
      log.push({ ...changed(version, { id, unread: version }), seq })
    } else {
      const isNew = chance() < 0.6 || now.messages.size === 0
      const of = isNew ? now.messages.size + 1 : (pick([...now.messages.keys()]) ?? 1)
      const version = (now.messages.get(of) ?? 0) + 1
      now.messages.set(of, version)
      log.push({ ...added(of, version), topic: isNew ? 'message.added' : 'message.changed', seq })
    }
  }
  return log
}

/** What a page that is opened after the first `count` facts of a log reads. */
function snapshot(log: readonly Fact[], count: number, onto: Replica = EMPTY): Replica {
  const all = log.slice(0, count).reduce(withFact, withPage(EMPTY, 'thread-1', page()))
  const items = all.threads.get('thread-1')?.messages ?? []
  const read = withConversations(onto, [...all.conversations.values()])
  return withPage(read, 'thread-1', { items, hasOlder: false })
}

describe('a snapshot and the facts after it', () => {
  const random = (seed: number) => () => (seed = (seed * 48271) % 2147483647) / 2147483647

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('are a fresh snapshot (seed %i)', (seed) => {
    const chance = random(seed)
    const log = history(chance)
    const fresh = snapshot(log, log.length)
    for (let run = 0; run < 40; run += 1) {
      const read = Math.floor(chance() * log.length)
      const heardFrom = Math.floor(chance() * (read + 1))
      const steady = log.slice(heardFrom).reduce(withFact, snapshot(log, read))
      expect(steady).toEqual(fresh)
      const again = Math.floor(chance() * log.length)
      const resynced = withoutOutdated(snapshot(log, again, outdated(snapshot(log, read))))
      expect(log.slice(again).reduce(withFact, resynced)).toEqual(fresh)
    }
  })
})
