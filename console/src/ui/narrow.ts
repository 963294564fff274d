import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** Below this width panes become pages. The style sheets repeat the number, since custom properties cannot be asked. */
export const NARROW = '(max-width: 720px)'

/** Whether the window is as narrow as a phone; follows it while the caller lives. */
export function useNarrow(): Readonly<Ref<boolean>> {
  const query = window.matchMedia(NARROW)
  const narrow = ref(query.matches)
  const follow = (event: { matches: boolean }) => {
    narrow.value = event.matches
  }
  query.addEventListener('change', follow)
  onScopeDispose(() => query.removeEventListener('change', follow))
  return readonly(narrow)
}
