import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { AccountComparison } from '@/api/types'
import { freshKey } from '@/lib/ids'

const KEY = ['installation', 'accounts']

/** What the last comparison with the provider's list found. */
export function useAccountComparison() {
  const session = useSession()
  return useQuery({
    queryKey: KEY,
    queryFn: () => answered(session.client.GET('/api/installation/accounts')),
    enabled: () => session.current?.operator === true,
  })
}

/** Read the provider's list now. What nobody has docked joins the unclaimed. */
export function useComparing() {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () =>
      answered(
        session.client.POST('/api/installation/accounts/compare', { headers: once(freshKey()) }),
      ),
    onSuccess: (found: AccountComparison) => {
      queries.setQueryData(KEY, found)
      return queries.invalidateQueries({ queryKey: ['installation', 'unclaimed'] })
    },
  })
}

/** Ask the provider about one account that it does not list; if it is gone, its channel is deauthorized. */
export function useConfirmingGone(kind: () => string) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (externalId: string) =>
      answered(
        session.client.POST('/api/installation/accounts/confirm', {
          headers: once(freshKey()),
          body: { kind: kind(), external_id: externalId },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  })
}
