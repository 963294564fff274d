import { ref } from 'vue'

import { asProblem, type Problem } from '@/api/problems'
import { useSession } from '@/api/session'
import { useProblemText } from '@/ui/problem-text'
import { useToasts } from '@/ui/toasts'

/** The conversations of a person who wants to leave, and how many of their customers wait for an answer. */
export interface OpenOnes {
  count: number
  waiting: number
}

export function openOnesIn({ code, details }: Problem): OpenOnes | null {
  if (code !== 'staff.open_conversations') return null
  return { count: Number(details.count ?? 0), waiting: Number(details.waiting ?? 0) }
}

/** Sign out; where conversations are open, ask first what is to become of them: `asking` holds them meanwhile. */
export function useSigningOut() {
  const session = useSession()
  const toasts = useToasts()
  const problemText = useProblemText()
  const asking = ref<OpenOnes | null>(null)
  const busy = ref(false)

  async function signOut(conversations?: 'keep' | 'queue'): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      await session.signOut(conversations)
      asking.value = null
    } catch (error) {
      const problem = asProblem(error)
      asking.value = openOnesIn(problem)
      if (asking.value === null) toasts.warn(problemText(problem))
    } finally {
      busy.value = false
    }
  }

  return { asking, busy, signOut }
}
