import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { FollowReply, FollowReplyState, ReplyPicture } from '@/api/types'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

/** What a channel says to who follows it, read again when anybody changes it. */
export function useFollowReply(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const reread = () => queries.invalidateQueries({ queryKey: ['follow-reply', id.value] })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'channel.follow_reply_changed') void reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
  return useQuery({
    queryKey: ['follow-reply', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}/follow-reply', {
          params: { path: { channel_id: id.value } },
        }),
      ),
  })
}

/** Save it. Refused if somebody else changed it meanwhile. */
export function useSavingFollowReply(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: { reply: FollowReply; version: number }) =>
      answered(
        session.client.PUT('/api/channels/{channel_id}/follow-reply', {
          params: { path: { channel_id: id.value } },
          headers: once(freshKey()),
          body,
        }),
      ),
    onSuccess: (state: FollowReplyState) => queries.setQueryData(['follow-reply', id.value], state),
  })
}

/** Give the server a picture; what comes back is how it will be sent. */
export function usePictureUpload(id: Ref<string>) {
  const session = useSession()
  return useMutation({
    mutationFn: (file: File) =>
      session.upload<ReplyPicture>({
        path: `/api/channels/${id.value}/follow-reply/pictures`,
        file,
        key: freshKey(),
        progress: () => undefined,
        signal: new AbortController().signal,
      }),
  })
}
