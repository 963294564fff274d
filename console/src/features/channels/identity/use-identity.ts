import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref, ref, watch } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { EnterpriseIdentity } from '@/api/types'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

/** How a channel's company says who its customers are, read again when anybody changes it or a link contradicts. */
export function useIdentity(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const reread = () => queries.invalidateQueries({ queryKey: ['identity', id.value] })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'channel.identity_changed' && fact.object_id === id.value) void reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
  return useQuery({
    queryKey: ['identity', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}/identity', {
          params: { path: { channel_id: id.value } },
        }),
      ),
  })
}

export interface IdentityDraft {
  enabled: boolean
  attributes: string
  loginUrl: string
  asksProfile: boolean
}

export function draftOf(identity: EnterpriseIdentity): IdentityDraft {
  return {
    enabled: identity.enabled,
    attributes: identity.attributes.join(', '),
    loginUrl: identity.login_url ?? '',
    asksProfile: identity.asks_profile,
  }
}

/** Names of attributes as people write them: by commas, blanks or lines. */
export function namesIn(text: string): string[] {
  return text.split(/[\s,，、;；]+/).filter(Boolean)
}

const NAME = /^[a-z][a-z0-9_]{0,39}$/
const RESERVED = new Set(['user', 'expires', 'customer', 'signature'])

/** The first name that cannot be one; null where all can. */
export function wrongName(names: readonly string[]): string | null {
  const seen = new Set<string>()
  for (const name of names) {
    if (!NAME.test(name) || RESERVED.has(name) || seen.has(name)) return name
    seen.add(name)
  }
  return null
}

/** What an admin changes, until it is saved. What others change meanwhile comes in where nothing was changed here. */
export function useDraft(identity: Ref<EnterpriseIdentity>) {
  const draft = ref(draftOf(identity.value))
  const isChanged = ref(false)
  watch(
    [draft, identity],
    () => {
      isChanged.value = JSON.stringify(draft.value) !== JSON.stringify(draftOf(identity.value))
    },
    { deep: true },
  )
  const reset = () => (draft.value = draftOf(identity.value))
  return { draft, isChanged, reset }
}

/** Everything that can be done here. Each answer is how things stand then. */
export function useIdentityCommands(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const path = () => ({ channel_id: id.value })
  const keep = (identity: EnterpriseIdentity) => {
    queries.setQueryData(['identity', id.value], identity)
  }
  const reread = () => queries.invalidateQueries({ queryKey: ['identity', id.value] })
  return {
    save: useMutation({
      mutationFn: ({ draft, version }: { draft: IdentityDraft; version: number }) =>
        answered(
          session.client.PUT('/api/channels/{channel_id}/identity', {
            params: { path: path() },
            headers: once(freshKey()),
            body: {
              enabled: draft.enabled,
              attributes: namesIn(draft.attributes),
              login_url: draft.loginUrl.trim() || null,
              asks_profile: draft.asksProfile,
              version,
            },
          }),
        ),
      onSuccess: keep,
      onError: reread,
    }),
    // Without a key, so that the answer with the secret is kept nowhere.
    makeSecret: useMutation({
      mutationFn: () =>
        answered(
          session.client.POST('/api/channels/{channel_id}/identity/secret', {
            params: { path: path() },
          }),
        ),
      onSuccess: ({ identity }) => keep(identity),
    }),
    settle: useMutation({
      mutationFn: ({
        conflictId,
        decision,
      }: {
        conflictId: string
        decision: 'kept' | 'replaced'
      }) =>
        answered(
          session.client.POST(
            '/api/channels/{channel_id}/identity/conflicts/{conflict_id}/settle',
            {
              params: { path: { ...path(), conflict_id: conflictId } },
              headers: once(freshKey()),
              body: { decision },
            },
          ),
        ),
      onSuccess: keep,
      onError: reread,
    }),
  }
}

export type IdentityCommands = ReturnType<typeof useIdentityCommands>
