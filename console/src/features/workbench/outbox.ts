/** What this person said that the server has not confirmed yet. */
import { type Problem } from '@/api/problems'
import type { Message } from '@/api/types'

export interface Pending {
  /** The Idempotency-Key of the command; the same for each try, so that nothing is sent twice. */
  key: string
  conversationId: string
  threadId: string
  text: string
  at: string
  problem: Problem | null
}

export function sending(pending: readonly Pending[], one: Pending): Pending[] {
  const at = pending.findIndex((each) => each.key === one.key)
  return at < 0 ? [...pending, one] : pending.with(at, { ...one, problem: null })
}

export function failed(pending: readonly Pending[], key: string, problem: Problem): Pending[] {
  return pending.map((each) => (each.key === key ? { ...each, problem } : each))
}

export function settled(pending: readonly Pending[], key: string): Pending[] {
  return pending.filter((each) => each.key !== key)
}

/**
 * The socket may tell of one's own message before the command is answered: it then stands for the oldest one on its
 * way with the same words, which would otherwise be seen twice for a moment.
 */
export function arrived(pending: readonly Pending[], message: Message, me: string): Pending[] {
  if (message.author.agent_id !== me || message.content.type !== 'text') return [...pending]
  const { text } = message.content
  const at = pending.findIndex(
    (each) => each.threadId === message.thread_id && each.text === text && each.problem === null,
  )
  return at < 0 ? [...pending] : pending.toSpliced(at, 1)
}
