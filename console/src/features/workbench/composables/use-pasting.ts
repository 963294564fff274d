import { onBeforeUnmount, onMounted } from 'vue'

import { isTyping } from '@/lib/keys'

/** Take files that are pasted anywhere on the page, unless somebody pastes into a field that `isOurs` denies. */
export function usePasting(
  isOurs: (target: EventTarget | null) => boolean,
  take: (files: File[]) => void,
) {
  function paste(event: ClipboardEvent): void {
    if (isTyping(event.target) && !isOurs(event.target)) return
    const files = filesIn(event.clipboardData)
    if (files.length === 0 || document.querySelector('dialog[open]') !== null) return
    event.preventDefault()
    take(files)
  }
  onMounted(() => document.addEventListener('paste', paste))
  onBeforeUnmount(() => document.removeEventListener('paste', paste))
}

/** Office programs copy a picture of the text beside the text: then the text is meant. */
function filesIn(data: DataTransfer | null): File[] {
  if (data === null || data.types.includes('text/plain')) return []
  return [...data.files]
}
