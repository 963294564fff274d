import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import type { Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { Channel, SettingsPart } from '@/api/types'
import { freshKey } from '@/lib/ids'

import { keep } from './use-channels'

/** How many conversations undocking would end, asked anew each time. */
export function useUndockPreview(channel: Ref<Channel>) {
  const session = useSession()
  return useQuery({
    queryKey: ['undock', () => channel.value.id],
    queryFn: () => {
      const params = { path: { channel_id: channel.value.id } }
      return answered(session.client.GET('/api/channels/{channel_id}/undock', { params }))
    },
    staleTime: 0,
    gcTime: 0,
  })
}

export function useUndocking(channel: Ref<Channel>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () =>
      answered(
        session.client.POST('/api/channels/{channel_id}/undock', {
          params: { path: { channel_id: channel.value.id } },
          headers: once(freshKey()),
          body: { version: channel.value.version },
        }),
      ),
    onSuccess: (undocked) => keep(queries, undocked),
  })
}

/** Copy what is set for one channel to others, all of them or none. */
export function useCopying(channel: Ref<Channel>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: { to: string[]; parts: SettingsPart[] }) =>
      answered(
        session.client.POST('/api/channels/{channel_id}/copy-settings', {
          params: { path: { channel_id: channel.value.id } },
          headers: once(freshKey()),
          body,
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['channels'] }),
  })
}
