import type { Conversation } from '@/api/types'

/** Why this person cannot write to the customer now; null if they can. Each is a key under `workbench.lock`. */
export type Lock =
  | 'closed'
  | 'cut_off'
  | 'queued'
  | 'bot'
  | 'other'
  | 'unfollowed'
  | 'no_window'
  | 'spent'
  | 'channel_state'
  | 'too_many_waiting'

export function lockOf(conversation: Conversation, me: string): Lock | null {
  const { owner, budget } = conversation
  if (conversation.state === 'closed')
    return budget.reason === 'channel_state' ? 'cut_off' : 'closed'
  if (owner.kind === 'queue') return 'queued'
  if (owner.kind !== 'agent') return 'bot'
  if (owner.agent_id !== me) return 'other'
  if (conversation.follow_state === 'unfollowed') return 'unfollowed'
  if (budget.open) return null
  return budget.reason ?? 'no_window'
}

/** Whether this person may make the conversation theirs: from the queue everybody, from others whoever supervises. */
export function canTake(conversation: Conversation, me: string, supervises: boolean): boolean {
  if (conversation.state === 'closed' || conversation.owner.agent_id === me) return false
  return conversation.owner.kind === 'queue' || supervises
}

export function canEnd(conversation: Conversation, me: string, supervises: boolean): boolean {
  if (conversation.state === 'closed') return false
  const mine = conversation.owner.kind === 'agent' && conversation.owner.agent_id === me
  return mine || supervises
}
