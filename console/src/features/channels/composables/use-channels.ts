import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { Channel, ChannelSettings } from '@/api/types'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

const ALL = ['channels']

/** All docked channels. */
export function useChannels() {
  const session = useSession()
  useFollowing()
  return useQuery({
    queryKey: ALL,
    queryFn: async () => (await answered(session.client.GET('/api/channels'))).items,
  })
}

/** One docked channel. */
export function useChannel(id: Ref<string>) {
  const session = useSession()
  useFollowing()
  return useQuery({
    queryKey: ['channels', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}', {
          params: { path: { channel_id: id.value } },
        }),
      ),
  })
}

/** A channel changed, here or elsewhere: facts tell only that, so what is shown is read again. */
function useFollowing(): void {
  const queries = useQueryClient()
  const reread = () => void queries.invalidateQueries({ queryKey: ALL })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'channel.changed') reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
}

export interface Docking {
  kind: string
  name: string | null
  credentials: Record<string, string>
}

/** Dock an account. The key is kept while the same values are tried again. */
export function useDocking() {
  const session = useSession()
  const queries = useQueryClient()
  let tried = { body: '', key: '' }
  return useMutation({
    mutationFn: (body: Docking) => {
      const said = JSON.stringify(body)
      if (said !== tried.body) tried = { body: said, key: freshKey() }
      return answered(session.client.POST('/api/channels', { headers: once(tried.key), body }))
    },
    onSuccess: (channel: Channel) => {
      queries.setQueryData(['channels', channel.id], channel)
      return queries.invalidateQueries({ queryKey: ALL, exact: true })
    },
  })
}

export interface Change {
  name?: string
  settings?: ChannelSettings
  version: number
}

/** Save a channel's name or settings. Refused if somebody else changed it meanwhile. */
export function useChange(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: Change) =>
      answered(
        session.client.PATCH('/api/channels/{channel_id}', {
          params: { path: { channel_id: id.value } },
          headers: once(freshKey()),
          body,
        }),
      ),
    onSuccess: (channel: Channel) => {
      queries.setQueryData(['channels', channel.id], channel)
      return queries.invalidateQueries({ queryKey: ALL, exact: true })
    },
  })
}

/** What works at the provider now. Asked when the page opens, on demand, and when the channel changes. */
export function useChecks(channel: Ref<Channel>) {
  const session = useSession()
  return useQuery({
    queryKey: ['checks', () => channel.value.id, () => channel.value.server_verified_at],
    queryFn: async () => {
      const params = { path: { channel_id: channel.value.id } }
      const path = '/api/channels/{channel_id}/checks'
      const headers = once(freshKey())
      return (await answered(session.client.POST(path, { params, headers }))).items
    },
    enabled: () => session.may('channels.manage'),
    staleTime: 10_000, // asking costs a call of the provider's daily quota
  })
}

/** The address to enter at the provider, known before docking. */
export function useCallbackAddress(kind: Ref<string>, externalId: Ref<string | null>) {
  const session = useSession()
  return useQuery({
    queryKey: ['address', kind, externalId],
    queryFn: async () => {
      const params = { path: { kind: kind.value }, query: { external_id: externalId.value ?? '' } }
      const path = '/api/channel-kinds/{kind}/address'
      return (await answered(session.client.GET(path, { params }))).callback_url
    },
    enabled: () => externalId.value !== null,
    staleTime: Infinity,
  })
}
