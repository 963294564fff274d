import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { Platform, PlatformChange } from '@/api/types'
import { freshKey } from '@/lib/ids'

const EVERY_MS = 20_000

/** Our platform at the provider. Asked again now and then: nobody tells of a ticket that arrives. */
export function usePlatform() {
  const session = useSession()
  return useQuery({
    queryKey: ['installation', 'platform'],
    queryFn: () => answered(session.client.GET('/api/installation/platform')),
    enabled: () => session.current?.operator === true,
    refetchInterval: EVERY_MS,
  })
}

/** Set the platform up. A secret that is left out stays as it is. */
export function usePlatformChange() {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: PlatformChange) =>
      answered(
        session.client.PUT('/api/installation/platform', { headers: once(freshKey()), body }),
      ),
    onSuccess: (platform: Platform) => {
      queries.setQueryData(['installation', 'platform'], platform)
      return queries.invalidateQueries({ queryKey: ['channel-kinds'] })
    },
  })
}

/** The accounts that authorized our platform without anybody here having begun it. */
export function useUnclaimed() {
  const session = useSession()
  return useQuery({
    queryKey: ['installation', 'unclaimed'],
    queryFn: async () => (await answered(session.client.GET('/api/installation/unclaimed'))).items,
    enabled: () => session.current?.operator === true,
    refetchInterval: EVERY_MS,
  })
}

/** Take an account off the list; at the provider nothing changes. */
export function useDismissing() {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) =>
      answered(
        session.client.POST('/api/installation/unclaimed/{unclaimed_id}/dismiss', {
          params: { path: { unclaimed_id: id } },
          headers: once(freshKey()),
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ['installation', 'unclaimed'] }),
  })
}
