import { useMutation, useQuery } from '@tanstack/vue-query'
import { computed, type Ref, ref } from 'vue'

import { answered, once } from '@/api/client'
import { asProblem } from '@/api/problems'
import { useSession } from '@/api/session'
import type { BegunAuthorization } from '@/api/types'
import { freshKey } from '@/lib/ids'

const EVERY_MS = 3_000

/** Begin an attempt by a link, and follow what comes of it. A new link is an attempt of its own. */
export function useLinking(kind: Ref<string>) {
  const session = useSession()
  const begun = ref<BegunAuthorization | null>(null)
  const beginning = useMutation({
    mutationFn: () =>
      answered(
        session.client.POST('/api/authorizations', {
          headers: once(freshKey()),
          body: { kind: kind.value, way: 'link' },
        }),
      ),
    onSuccess: (attempt) => {
      begun.value = attempt
    },
  })
  const following = useQuery({
    queryKey: ['authorizations', () => begun.value?.id],
    queryFn: () =>
      answered(
        session.client.GET('/api/authorizations/{authorization_id}', {
          params: { path: { authorization_id: begun.value?.id ?? '' } },
        }),
      ),
    enabled: () => begun.value !== null,
    refetchInterval: EVERY_MS,
  })
  return {
    begun,
    state: computed(() => (begun.value ? (following.data.value ?? null) : null)),
    problem: computed(() => (beginning.error.value ? asProblem(beginning.error.value) : null)),
    busy: computed(() => beginning.isPending.value),
    begin: () => {
      if (!beginning.isPending.value) beginning.mutate()
    },
  }
}
