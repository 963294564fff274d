import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'

import { answered, once } from '@/api/client'
import { asProblem } from '@/api/problems'
import { useSession } from '@/api/session'
import type { WorkspaceChange, WorkspaceSettings } from '@/api/types'
import { freshKey } from '@/lib/ids'

const KEY = ['settings', 'workspace']

/** What holds for the whole company. */
export function useWorkspaceSettings() {
  const session = useSession()
  return useQuery({
    queryKey: KEY,
    queryFn: () => answered(session.client.GET('/api/workspace/settings')),
    enabled: () => session.may('workspace.manage'),
  })
}

/** Save it. Where somebody else was quicker it is refused, and what they set is read. */
export function useWorkspaceChange() {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: WorkspaceChange) =>
      answered(session.client.PUT('/api/workspace/settings', { headers: once(freshKey()), body })),
    onSuccess: (settings: WorkspaceSettings) => queries.setQueryData(KEY, settings),
    onError: (error) =>
      asProblem(error).code === 'core.stale_version'
        ? queries.invalidateQueries({ queryKey: KEY })
        : undefined,
  })
}
