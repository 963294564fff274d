import { shallowRef } from 'vue'

import { answered } from '@/api/client'
import { Problem } from '@/api/problems'
import type { Agent } from '@/api/types'

import type { Context } from './context'

/** The colleagues of the workspace, so that one sees who is away. */
export function openColleagues({ client }: Context) {
  const all = shallowRef<ReadonlyMap<string, Agent>>(new Map())

  async function load(): Promise<void> {
    try {
      const { items } = await answered(client.GET('/api/agents'))
      for (const agent of items) take(agent)
    } catch (error) {
      if (!(error instanceof Problem)) throw error // without them everybody counts as present
    }
  }

  function take(agent: Agent): void {
    const known = all.value.get(agent.id)
    if (known !== undefined && known.version > agent.version) return
    all.value = new Map(all.value).set(agent.id, agent)
  }

  function isAway(agentId: string | null | undefined): boolean {
    return agentId ? (all.value.get(agentId)?.away ?? false) : false
  }

  return { load, take, isAway, forget: () => (all.value = new Map()) }
}
