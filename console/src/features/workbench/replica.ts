/**
 * The console's copy of conversations and messages. Snapshots and facts bring values with versions; a value is taken
 * only if it is newer than the one that is there, so that the order in which they arrive does not matter.
 */
import { type ChannelNews, isConversation, isMessage, isNamed, type Named } from '@/api/guards'
import type { Conversation, Message, Scope } from '@/api/types'
import type { Fact } from '@/realtime/messages'

export interface Thread {
  /** In order of `seq`. */
  messages: readonly Message[]
  hasOlder: boolean
}

export interface Replica {
  conversations: ReadonlyMap<string, Conversation>
  /** Only the threads that were opened. */
  threads: ReadonlyMap<string, Thread>
}

export const EMPTY: Replica = { conversations: new Map(), threads: new Map() }

export function withConversations(replica: Replica, added: readonly Conversation[]): Replica {
  const newer = added.filter((conversation) => {
    const known = replica.conversations.get(conversation.id)
    return known === undefined || conversation.version > known.version
  })
  if (newer.length === 0) return replica
  const conversations = new Map(replica.conversations)
  for (const conversation of newer) conversations.set(conversation.id, conversation)
  return { ...replica, conversations }
}

/**
 * Take in a page of a thread that was asked for. `hasOlder` is what its oldest page says. What is known and not next
 * to the page is dropped: nobody knows what lies between.
 */
export function withPage(
  replica: Replica,
  threadId: string,
  page: { items: readonly Message[]; hasOlder: boolean },
): Replica {
  const known = trusted(replica.threads.get(threadId))
  const thread = known && touches(known, page.items) ? joined(known, page) : opened(page)
  return { ...replica, threads: new Map(replica.threads).set(threadId, thread) }
}

function trusted(known: Thread | undefined): Thread | undefined {
  return known && { ...known, messages: known.messages.filter(isTrusted) }
}

function touches(known: Thread, items: readonly Message[]): boolean {
  const [first, last] = [known.messages[0], known.messages.at(-1)]
  const [from, to] = [items[0], items.at(-1)]
  if (!first || !last || !from || !to) return true
  return from.seq <= last.seq + 1 && to.seq >= first.seq - 1
}

function joined(known: Thread, page: { items: readonly Message[]; hasOlder: boolean }): Thread {
  const reaches = (page.items[0]?.seq ?? Infinity) <= (known.messages[0]?.seq ?? Infinity)
  const hasOlder = reaches ? page.hasOlder : known.hasOlder
  return { messages: merged(known.messages, page.items), hasOlder }
}

function opened(page: { items: readonly Message[]; hasOlder: boolean }): Thread {
  return { messages: [...page.items], hasOlder: page.hasOlder }
}

/** The version of what is to be read again: whatever is read or heard from then on is newer. */
const OUTDATED = -1

function isTrusted({ version }: { version: number }): boolean {
  return version !== OUTDATED
}

/**
 * Everything is to be read again. What is there stays on the screen and yields to anything that comes: a restored
 * database may hold lower versions than the ones that were seen.
 */
export function outdated(replica: Replica): Replica {
  const old = <T extends { version: number }>(value: T): T => ({ ...value, version: OUTDATED })
  return {
    conversations: new Map([...replica.conversations].map(([id, each]) => [id, old(each)])),
    threads: new Map(
      [...replica.threads].map(([id, thread]) => [
        id,
        { ...thread, messages: thread.messages.map(old) },
      ]),
    ),
  }
}

/**
 * Everything was read again: drop the conversations that were neither read nor changed since, for they are not this
 * person's to see any more.
 */
export function withoutOutdated(replica: Replica): Replica {
  const kept = [...replica.conversations].filter(([, conversation]) => isTrusted(conversation))
  return { ...replica, conversations: new Map(kept) }
}

/** The states of a channel in which nothing can be sent. */
const MUTE: readonly string[] = ['authorizing', 'deauthorized', 'undocked']

/**
 * Whether a conversation is shown with its channel as it was. A channel's change makes no new version of its
 * conversations, so that those have to be read again.
 */
export function contradicts(replica: Replica, now: ChannelNews): boolean {
  return [...replica.conversations.values()].some(({ channel: shown }) => {
    if (shown.id !== now.id) return false
    const muted = MUTE.includes(shown.state) !== MUTE.includes(now.state)
    return muted || shown.name !== now.name || shown.verified !== now.verified
  })
}

/** How a channel stands now, at each of its conversations: agents are told before what they write fails. */
export function withChannelState(replica: Replica, now: ChannelNews): Replica {
  const changed = [...replica.conversations].filter(
    ([, { channel: shown }]) => shown.id === now.id && shown.state !== now.state,
  )
  if (changed.length === 0) return replica
  const conversations = new Map(replica.conversations)
  for (const [id, conversation] of changed) {
    conversations.set(id, {
      ...conversation,
      channel: { ...conversation.channel, state: now.state },
    })
  }
  return { ...replica, conversations }
}

export function withFact(replica: Replica, fact: Fact): Replica {
  switch (fact.topic) {
    case 'conversation.changed':
      return isConversation(fact.payload) ? withConversations(replica, [fact.payload]) : replica
    case 'message.added':
    case 'message.changed':
      return isMessage(fact.payload) ? withMessage(replica, fact.payload) : replica
    case 'thread.erased':
      return withoutWords(replica, fact.object_id)
    case 'customer.changed':
      return isNamed(fact.payload) ? withName(replica, fact.payload) : replica
    default:
      return replica
  }
}

/** What stood in a thread was erased. Messages keep who wrote them, when, and of what kind they were. */
function withoutWords(replica: Replica, threadId: string): Replica {
  const conversations = new Map(replica.conversations)
  for (const [id, conversation] of conversations) {
    if (conversation.thread_id !== threadId || !conversation.last_message) continue
    const last = { ...conversation.last_message, preview: '', type: 'erased' }
    conversations.set(id, { ...conversation, last_message: last })
  }
  const known = replica.threads.get(threadId)
  if (known === undefined) return { ...replica, conversations }
  const messages = known.messages.map((message) => ({
    ...message,
    content: erased(message.content),
  }))
  return { conversations, threads: new Map(replica.threads).set(threadId, { ...known, messages }) }
}

/** Lines about what staff and accounts did, as the server leaves them. */
const OUR_NOTICES: readonly string[] = [
  'agent_left',
  'channel_muted',
  'channel_restored',
  'not_said',
]

function erased(content: Message['content']): Message['content'] {
  const isOurs = content.type === 'notice' && OUR_NOTICES.includes(content.key)
  if (isOurs || content.type === 'erased') return content
  return { version: 1, type: 'erased', kind: content.type }
}

/** A customer is called and looks so from now on, everywhere. What is older than the fact says nothing newer. */
function withName(replica: Replica, named: Named): Replica {
  const conversations = new Map(replica.conversations)
  for (const [id, conversation] of conversations) {
    if (conversation.customer.id !== named.id) continue
    const customer = { id: named.id, name: named.name, avatar_url: named.avatar_url }
    conversations.set(id, { ...conversation, customer })
  }
  return { ...replica, conversations }
}

/** A message of a thread that nobody opened is left out: opening it reads it. */
export function withMessage(replica: Replica, message: Message): Replica {
  const known = replica.threads.get(message.thread_id)
  if (known === undefined) return replica
  const thread = { ...known, messages: merged(known.messages, [message]) }
  return { ...replica, threads: new Map(replica.threads).set(message.thread_id, thread) }
}

function merged(known: readonly Message[], added: readonly Message[]): readonly Message[] {
  const bySeq = new Map(known.map((message) => [message.seq, message]))
  for (const message of added) {
    const before = bySeq.get(message.seq)
    if (before === undefined || message.version > before.version) bySeq.set(message.seq, message)
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq)
}

/** Who looks: an agent sees their own conversations and who waits for their groups, a supervisor sees everything. */
export interface Viewer {
  me: string
  supervises: boolean
  groups: readonly string[]
}

export interface Shown extends Viewer {
  scope: Scope
  state: Conversation['state']
}

/**
 * Whether a conversation stands in a list. The rule is the server's: facts also tell of one that was taken from this
 * person, or by somebody else from the queue.
 */
export function standsIn(conversation: Conversation, shown: Shown): boolean {
  if (conversation.state !== shown.state) return false
  const { owner } = conversation
  const mine = owner.kind === 'agent' && owner.agent_id === shown.me
  switch (shown.scope) {
    case 'mine':
      return mine
    case 'queue':
      return waitsFor(conversation, shown)
    case 'all':
      return shown.supervises || mine || waitsFor(conversation, shown)
  }
}

function waitsFor({ owner, group_id: group }: Conversation, viewer: Viewer): boolean {
  return (
    owner.kind === 'queue' && (viewer.supervises || group === null || viewer.groups.includes(group))
  )
}

/** A list in its order: the queue as the server serves it, all others by what happened last. */
export function listed(replica: Replica, shown: Shown): Conversation[] {
  const found = [...replica.conversations.values()].filter((each) => standsIn(each, shown))
  if (shown.scope === 'queue' && shown.state === 'open') {
    return found.sort(
      (a, b) =>
        a.queue_priority - b.queue_priority ||
        compare(a.queued_at ?? '', b.queued_at ?? '') ||
        compare(a.id, b.id),
    )
  }
  return found.sort((a, b) => compare(b.last_message_at, a.last_message_at) || compare(b.id, a.id))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
