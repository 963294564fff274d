import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref } from 'vue'

import { answered } from '@/api/client'
import { useSession } from '@/api/session'
import { useRealtime } from '@/realtime/store'

/** What the provider has reported about an account lately, read again when it reports something new. */
export function useReports(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const reread = () => queries.invalidateQueries({ queryKey: ['channel-reports', id.value] })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'channel.reported' && fact.object_id === id.value) void reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
  return useQuery({
    queryKey: ['channel-reports', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}/reports', {
          params: { path: { channel_id: id.value } },
        }),
      ),
  })
}
