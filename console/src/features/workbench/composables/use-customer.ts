import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

/** What is known of a customer, read again when anything of it changes. */
export function useCustomer(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const reread = () => queries.invalidateQueries({ queryKey: ['customer', id.value] })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'customer.changed' && fact.object_id === id.value) void reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
  return useQuery({
    queryKey: ['customer', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/customers/{customer_id}', {
          params: { path: { customer_id: id.value } },
        }),
      ),
    retry: false,
  })
}

/** Calling the customer by a name of our own; null: by theirs again. */
export function useRemark(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string | null) =>
      answered(
        session.client.PUT('/api/customers/{customer_id}/remark', {
          params: { path: { customer_id: id.value } },
          headers: once(freshKey()),
          body: { name },
        }),
      ),
    onSuccess: (customer) => queries.setQueryData(['customer', customer.id], customer),
  })
}
