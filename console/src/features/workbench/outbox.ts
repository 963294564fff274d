/** What this person said that the server has not confirmed yet: per thread a line that goes out in its order. */
import { type Problem } from '@/api/problems'
import type { Message, Saying } from '@/api/types'

export type FileKind = 'image' | 'voice' | 'video' | 'file'
export type SaidChoices = Extract<Saying, { type: 'choices' }>
export type SaidNews = Extract<Saying, { type: 'news' }>
export type Card = SaidChoices | SaidNews
export type Said = { type: 'text'; text: string } | Card | { type: FileKind; attachmentId: string }

/** The file that goes with it; null where there is none. */
export function attachmentOf(said: Said): string | null {
  return 'attachmentId' in said ? said.attachmentId : null
}

export interface Pending {
  /** The Idempotency-Key of the command; the same for each try, so that nothing is sent twice. */
  key: string
  conversationId: string
  threadId: string
  said: Said
  at: string
  /** `waiting`: for its turn, its upload or the connection. `failed`: for a person to decide. */
  state: 'waiting' | 'sending' | 'failed'
  /** Why it failed, or why its last try has to be repeated. */
  problem: Problem | null
  /** The socket brought the message already, before the command was answered: it is not to be seen twice. */
  arrived: boolean
}

export function sending(pending: readonly Pending[], key: string): Pending[] {
  return changed(pending, key, { state: 'sending', problem: null })
}

/** It did not get through, and goes out by itself later. */
export function held(pending: readonly Pending[], key: string, problem: Problem | null): Pending[] {
  return changed(pending, key, { state: 'waiting', problem })
}

/** It will not go out unless a person tries it again. */
export function failed(pending: readonly Pending[], key: string, problem: Problem): Pending[] {
  return changed(pending, key, { state: 'failed', problem, arrived: false })
}

export function settled(pending: readonly Pending[], key: string): Pending[] {
  return pending.filter((each) => each.key !== key)
}

/** What goes out next in a thread. What failed stands aside; all else waits for the one before it. */
export function nextIn(pending: readonly Pending[], threadId: string): Pending | null {
  const first = pending.find((each) => each.threadId === threadId && each.state !== 'failed')
  return first?.state === 'waiting' ? first : null
}

/**
 * The socket may tell of one's own message before the command is answered, or after its answer was lost: it then
 * stands for the oldest one with the same words that was tried. The command itself is still carried through.
 */
export function arrived(pending: readonly Pending[], message: Message, me: string): Pending[] {
  if (message.author.agent_id !== me) return [...pending]
  const at = pending.findIndex(
    (each) => each.threadId === message.thread_id && wasTried(each) && says(each.said, message),
  )
  const one = pending[at]
  return one === undefined ? [...pending] : pending.with(at, { ...one, arrived: true })
}

function wasTried(one: Pending): boolean {
  return (
    !one.arrived && (one.state === 'sending' || (one.state === 'waiting' && one.problem !== null))
  )
}

function says(said: Said, { content }: Message): boolean {
  if (said.type === 'text') return content.type === 'text' && content.text === said.text
  if (said.type === 'choices') return content.type === 'choices' && content.text === said.text
  if (said.type === 'news') return content.type === 'news' && content.url === said.url
  return content.type === said.type
}

function changed(pending: readonly Pending[], key: string, to: Partial<Pending>): Pending[] {
  return pending.map((each) => (each.key === key ? { ...each, ...to } : each))
}
