import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** The time as it passes, in steps of `everyMs`, for waits and relative times. */
export function useNow(everyMs = 1_000): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = setInterval(() => {
    now.value = Date.now()
  }, everyMs)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}
