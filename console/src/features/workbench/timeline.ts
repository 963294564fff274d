/** How a thread is read: days apart, what one author said in one minute together, notices on their own. */
import type { Message } from '@/api/types'
import { dayKey, minuteKey } from '@/lib/time'

export interface Day {
  kind: 'day'
  key: string
  at: string
}

export interface Group {
  kind: 'group'
  key: string
  author: Message['author']
  at: string
  /** Said after the conversation was closed. */
  afterSession: boolean
  messages: Message[]
}

export interface Line {
  kind: 'line'
  key: string
  message: Message
}

export type Entry = Day | Group | Line

/** Return the entries of `messages`, which are in order. Keys are stable while messages are added at either end. */
export function timeline(messages: readonly Message[]): Entry[] {
  const entries: Entry[] = []
  let before: Message | null = null
  for (const message of messages) {
    if (before === null || dayKey(before.sent_at) !== dayKey(message.sent_at)) {
      entries.push({
        kind: 'day',
        key: `day-${dayKey(message.sent_at)}-${message.id}`,
        at: message.sent_at,
      })
    }
    add(entries, message)
    before = message
  }
  return entries
}

function add(entries: Entry[], message: Message): void {
  if (message.content.type === 'notice') {
    entries.push({ kind: 'line', key: message.id, message })
    return
  }
  const last = entries.at(-1)
  if (last?.kind === 'group' && belongs(last, message)) {
    last.messages.push(message)
    return
  }
  const { author, sent_at: at } = message
  const afterSession = message.after_session
  entries.push({ kind: 'group', key: message.id, author, at, afterSession, messages: [message] })
}

function belongs(group: Group, message: Message): boolean {
  return (
    group.author.kind === message.author.kind &&
    group.author.agent_id === message.author.agent_id &&
    group.afterSession === message.after_session &&
    (group.author.why ?? null) === (message.author.why ?? null) &&
    minuteKey(group.at) === minuteKey(message.sent_at)
  )
}
