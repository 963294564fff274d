import { computed, type ComputedRef, type Ref } from 'vue'

import { useSession } from '@/api/session'
import type { Budget, Conversation } from '@/api/types'
import { useNow } from '@/ui/ticking'

import { useWorkbench } from '../workbench.store'

const LOOK_EVERY_MS = 5_000

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

/** `now`: what may still be said ends by the clock, with no word from the server. */
export function lockOf(
  conversation: Conversation,
  me: string,
  supervises: boolean,
  now: number,
): Lock | null {
  const { owner } = conversation
  if (conversation.state === 'closed') return lockAfter(conversation, me, supervises, now)
  if (owner.kind === 'queue') return 'queued'
  if (owner.kind !== 'agent') return 'bot'
  if (owner.agent_id !== me) return 'other'
  if (conversation.follow_state === 'unfollowed') return 'unfollowed'
  return lockBy(conversation.budget, now)
}

function lockBy(budget: Budget, now: number): Lock | null {
  if (!budget.open) return budget.reason ?? 'no_window'
  return budget.ends_at && Date.parse(budget.ends_at) <= now ? 'no_window' : null
}

/** After the session who had it last may still write, within the budget; a supervisor where nobody had it. */
function lockAfter(
  conversation: Conversation,
  me: string,
  supervises: boolean,
  now: number,
): Lock | null {
  const { owner, budget } = conversation
  if (budget.reason === 'channel_state') return 'cut_off'
  const had =
    owner.agent_id === null || owner.agent_id === undefined ? supervises : owner.agent_id === me
  if (!had) return 'closed'
  if (conversation.follow_state === 'unfollowed') return 'unfollowed'
  if (!conversation.after_session) return 'closed'
  return lockBy(budget, now)
}

export function useLock(conversation: Readonly<Ref<Conversation>>): ComputedRef<Lock | null> {
  const session = useSession()
  const workbench = useWorkbench()
  const now = useNow(LOOK_EVERY_MS)
  return computed(() => lockOf(conversation.value, workbench.me, session.supervises, now.value))
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
