import { computed, reactive, type Ref, watch } from 'vue'

import type { WorkspaceChange, WorkspaceSettings } from '@/api/types'
import { wholeNumber } from '@/lib/numbers'

export const AWAY_MINUTES = { least: 1, most: 60 }

/** The workspace's settings as they are being edited. */
export function useWorkspaceForm(settings: Ref<WorkspaceSettings>) {
  const saved = computed(() => ({ awayMinutes: String(settings.value.agent_away_minutes) }))
  const draft = reactive({ ...saved.value })
  const isChanged = computed(() => draft.awayMinutes !== saved.value.awayMinutes)

  // What somebody else saved is shown at once, unless it would overwrite what is being written here.
  watch(saved, (now, before) => {
    if (draft.awayMinutes === before.awayMinutes) Object.assign(draft, now)
  })

  /** Return what is to be saved, or null while something is wrong. */
  const change = computed<WorkspaceChange | null>(() => {
    const minutes = wholeNumber(draft.awayMinutes, AWAY_MINUTES)
    return minutes === null
      ? null
      : { agent_away_minutes: minutes, version: settings.value.version }
  })

  return { draft, isChanged, change, reset: () => Object.assign(draft, saved.value) }
}
