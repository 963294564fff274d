import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import type { Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { Channel } from '@/api/types'
import { freshKey } from '@/lib/ids'

/** What customers have shown of a channel's limits; read again when the channel changes. For admins alone. */
export function useBudgetWatch(channel: Ref<Channel>) {
  const session = useSession()
  return useQuery({
    queryKey: ['budget-watch', () => channel.value.id, () => channel.value.version],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}/budget', {
          params: { path: { channel_id: channel.value.id } },
        }),
      ),
    enabled: () => session.may('channels.manage'),
  })
}

/** Set a lowered preset back, or keep it. */
export function useLoweringDecision(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (restore: boolean) =>
      answered(
        session.client.POST('/api/channels/{channel_id}/budget/lowering', {
          params: { path: { channel_id: id.value } },
          headers: once(freshKey()),
          body: { restore },
        }),
      ),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ['budget-watch'] }),
        queries.invalidateQueries({ queryKey: ['channels'] }),
      ]),
  })
}
