import { onBeforeUnmount, onMounted, type Ref, ref } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'

/**
 * Ask before unsaved changes are left. `asking` is true while the question stands; `answer` settles it. Closing the
 * window asks in the browser's own words.
 */
export function useLeaving(isChanged: Readonly<Ref<boolean>>) {
  const asking = ref(false)
  let settle: ((leave: boolean) => void) | null = null

  function ask(): Promise<boolean> | true {
    if (!isChanged.value) return true
    asking.value = true
    return new Promise((resolve) => {
      settle = resolve
    })
  }

  function answer(leave: boolean): void {
    asking.value = false
    settle?.(leave)
    settle = null
  }

  function warn(event: BeforeUnloadEvent): void {
    if (isChanged.value) event.preventDefault()
  }

  onBeforeRouteLeave(ask)
  onBeforeRouteUpdate(ask)
  onMounted(() => window.addEventListener('beforeunload', warn))
  onBeforeUnmount(() => window.removeEventListener('beforeunload', warn))

  return { asking, answer }
}
