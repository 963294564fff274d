import { onScopeDispose } from 'vue'

/** While the caller lives, whatever begins to play lets everything else on the page pause. */
export function useOneSound(): void {
  function onlyThis(event: Event): void {
    for (const other of document.querySelectorAll<HTMLMediaElement>('audio, video'))
      if (other !== event.target) other.pause()
  }
  // Media events do not bubble, but they pass by on their way down.
  document.addEventListener('play', onlyThis, { capture: true })
  onScopeDispose(() => document.removeEventListener('play', onlyThis, { capture: true }))
}
