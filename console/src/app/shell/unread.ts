import { computed, type ComputedRef, watchEffect } from 'vue'

import { useWorkbench } from '@/features/workbench/workbench.store'

/** How many messages wait for this person; the window's title says it too. */
export function useUnread(): ComputedRef<number> {
  const workbench = useWorkbench()
  const unread = computed(() => workbench.unread)
  watchEffect(() => {
    document.title = unread.value > 0 ? `(${unread.value}) Moorage` : 'Moorage'
  })
  return unread
}
