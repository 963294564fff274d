import { computed, type ComputedRef, type Ref } from 'vue'

import { useSession } from '@/api/session'
import type { Conversation } from '@/api/types'

import { useWorkbench } from '../workbench.store'

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

export function lockOf(conversation: Conversation, me: string, supervises: boolean): Lock | null {
  const { owner, budget } = conversation
  if (conversation.state === 'closed') return lockAfter(conversation, me, supervises)
  if (owner.kind === 'queue') return 'queued'
  if (owner.kind !== 'agent') return 'bot'
  if (owner.agent_id !== me) return 'other'
  if (conversation.follow_state === 'unfollowed') return 'unfollowed'
  if (budget.open) return null
  return budget.reason ?? 'no_window'
}

/** After the session who had it last may still write, within the budget; a supervisor where nobody had it. */
function lockAfter(conversation: Conversation, me: string, supervises: boolean): Lock | null {
  const { owner, budget } = conversation
  if (budget.reason === 'channel_state') return 'cut_off'
  const had =
    owner.agent_id === null || owner.agent_id === undefined ? supervises : owner.agent_id === me
  if (!had) return 'closed'
  if (conversation.follow_state === 'unfollowed') return 'unfollowed'
  if (!conversation.after_session) return 'closed'
  if (budget.open) return null
  return budget.reason ?? 'no_window'
}

export function useLock(conversation: Readonly<Ref<Conversation>>): ComputedRef<Lock | null> {
  const session = useSession()
  const workbench = useWorkbench()
  return computed(() => lockOf(conversation.value, workbench.me, session.supervises))
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
