import { onScopeDispose } from 'vue'

import { useSession } from '@/api/session'
import type { Agent } from '@/api/types'
import { useRealtime } from '@/realtime/store'
import { isAgent } from '@/api/guards'

/** Keep one's own status true: it may be changed in another window, by a supervisor, or by signing out elsewhere. */
export function useOwnStatus(): void {
  const session = useSession()
  const realtime = useRealtime()

  function take(agent: Agent): void {
    if (agent.version > (session.me?.version ?? 0)) session.updateMe(agent)
  }

  async function refresh(): Promise<void> {
    const answer = await session.client.GET('/api/session')
    if (answer.data) take(answer.data.agent)
  }

  const stop = realtime.subscribe({
    fact: (fact) => {
      if (fact.topic === 'agent.changed' && isAgent(fact.payload)) take(fact.payload)
    },
    resync: refresh,
  })
  onScopeDispose(stop)
}
