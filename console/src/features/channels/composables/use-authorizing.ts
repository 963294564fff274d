import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, onBeforeUnmount, onMounted, type Ref, ref } from 'vue'

import { answered, once } from '@/api/client'
import { asProblem, type Problem } from '@/api/problems'
import { useSession } from '@/api/session'
import type { Channel } from '@/api/types'
import { freshKey } from '@/lib/ids'
import { leaveFor } from '@/lib/leave'

import { keep } from './use-channels'

export interface Authorizing {
  kind: string
  /** The channel whose account is to be authorized again; none for a new one. */
  channelId?: string | null
}

/** Lead to the provider's page, where an account's administrator authorizes us. Each time is an attempt of its own. */
export function useAuthorizing() {
  const session = useSession()
  const leaving = ref(false)
  const begin = useMutation({
    mutationFn: ({ kind, channelId }: Authorizing) =>
      answered(
        session.client.POST('/api/authorizations', {
          headers: once(freshKey()),
          body: { kind, channel_id: channelId ?? null, way: 'code' },
        }),
      ),
    onSuccess: ({ url }) => {
      leaving.value = true
      leaveFor(url)
    },
  })

  /** Who comes back by the browser's own button finds the page as it was left, and may want to go again. */
  const arrive = () => (leaving.value = false)
  onMounted(() => window.addEventListener('pageshow', arrive))
  onBeforeUnmount(() => window.removeEventListener('pageshow', arrive))

  const busy = computed(() => begin.isPending.value || leaving.value)
  return {
    busy,
    problem: computed(() => (begin.error.value ? asProblem(begin.error.value) : null)),
    go: (what: Authorizing) => {
      if (!busy.value) begin.mutate(what)
    },
  }
}

/** What the provider's page led back with. */
export interface Result {
  state: string
  auth_code: string
}

const LONGEST_MS = 60_000

/**
 * Finish the attempt that the browser comes back from. While another process asks the provider for the same attempt,
 * its result is waited for, a minute at most.
 */
export function useCompleting() {
  const session = useSession()
  const queries = useQueryClient()

  async function complete(result: Result, began = Date.now()): Promise<Channel> {
    try {
      const call = session.client.POST('/api/authorizations/complete', { body: result })
      return await answered(call)
    } catch (error) {
      const wait = pauseAfter(asProblem(error))
      if (wait === null || Date.now() + wait - began > LONGEST_MS) throw error
      await new Promise((resolve) => setTimeout(resolve, wait))
      return complete(result, began)
    }
  }

  return useMutation({
    mutationFn: (result: Result) => complete(result),
    onSuccess: (channel) => keep(queries, channel),
  })
}

/** How long to wait before asking again, in milliseconds; null where asking again changes nothing. */
export function pauseAfter(problem: Problem): number | null {
  if (problem.code !== 'channels.still_exchanging') return null
  const seconds = problem.details.retry_after_s
  return typeof seconds === 'number' ? Math.min(Math.max(seconds, 1), 10) * 1000 : 2_000
}

/** What a channel's account grants, and what it could. */
export function usePermissions(channel: Ref<Channel>) {
  const session = useSession()
  return useQuery({
    queryKey: ['permissions', () => channel.value.id, () => channel.value.version],
    queryFn: async () => {
      const params = { path: { channel_id: channel.value.id } }
      const path = '/api/channels/{channel_id}/permissions'
      return (await answered(session.client.GET(path, { params }))).items
    },
    enabled: () => channel.value.docked_by === 'authorization',
  })
}
