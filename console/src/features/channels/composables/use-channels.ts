import {
  keepPreviousData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/vue-query'
import { computed, onScopeDispose, type Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { Channel, ChannelState } from '@/api/types'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

import { type Change, sendChange } from '../sending'

const ALL = ['channels']
const PAGE = 50

export interface Wanted {
  query: string
  state: ChannelState | null
}

/** The docked channels that are `wanted`, page by page in the order they were docked, and how many are in each state. */
export function useChannels(wanted: Ref<Wanted>, pageSize = PAGE) {
  const session = useSession()
  useFollowing()
  const query = useInfiniteQuery({
    queryKey: ['channels', 'list', pageSize, wanted],
    queryFn: ({ pageParam }) => {
      const { query: words, state } = wanted.value
      const from = pageParam === null ? {} : { cursor: pageParam }
      const only = state === null ? {} : { state }
      const params = { query: { query: words, limit: pageSize, ...only, ...from } }
      return answered(session.client.GET('/api/channels', { params }))
    },
    initialPageParam: startOfList(),
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData, // what is shown stays until the next words were looked for
  })
  return {
    ...query,
    channels: computed(() => query.data.value?.pages.flatMap((page) => page.items) ?? []),
    counts: computed(() => query.data.value?.pages[0]?.counts ?? null),
  }
}

function startOfList(): string | null {
  return null
}

/** One docked channel; nothing while its id is not known. */
export function useChannel(id: Ref<string>) {
  const session = useSession()
  useFollowing()
  return useQuery({
    queryKey: ['channels', 'one', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}', {
          params: { path: { channel_id: id.value } },
        }),
      ),
    enabled: () => id.value !== '',
  })
}

/** A channel changed, here or elsewhere: facts tell only that, so what is shown is read again. */
function useFollowing(): void {
  const queries = useQueryClient()
  const reread = () => queries.invalidateQueries({ queryKey: ALL })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'channel.changed') void reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
}

/** Show `channel` as the server has just told of it, and read the lists again. */
export function keep(queries: QueryClient, channel: Channel): Promise<void> {
  queries.setQueryData(['channels', 'one', channel.id], channel)
  return queries.invalidateQueries({ queryKey: ['channels', 'list'] })
}

export interface Docking {
  kind: string
  name: string | null
  account_type: Channel['account_type']
  verified: Channel['verified']
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
    onSuccess: (channel: Channel) => keep(queries, channel),
  })
}

/** Save a channel's name or settings. Refused if somebody else changed them meanwhile. */
export function useChange(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (change: Change) => {
      const path = '/api/channels/{channel_id}'
      const params = { path: { channel_id: id.value } }
      return sendChange(
        change,
        queries.getQueryData<Channel>(['channels', 'one', id.value]),
        (body) => answered(session.client.PATCH(path, { params, headers: once(freshKey()), body })),
        () => answered(session.client.GET(path, { params })),
      )
    },
    onSuccess: (channel: Channel) => keep(queries, channel),
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
