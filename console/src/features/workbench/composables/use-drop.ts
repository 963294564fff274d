import { onBeforeUnmount, onMounted, type Ref, ref } from 'vue'

/**
 * Let files be dropped on an element: bind `handlers` to it. `over` says whether some are held above it. A file that
 * misses it does nothing; browsers would leave the page to show it.
 */
export function useDrop(enabled: Readonly<Ref<boolean>>, drop: (files: File[]) => void) {
  const over = ref(false)
  /** Entering a child comes before leaving its parent. */
  let depth = 0

  const handlers = {
    dragenter(event: DragEvent) {
      if (!carriesFiles(event)) return
      depth += 1
      over.value = true
    },
    dragleave(event: DragEvent) {
      if (!carriesFiles(event)) return
      depth = Math.max(0, depth - 1)
      over.value = depth > 0
    },
    drop(event: DragEvent) {
      depth = 0
      over.value = false
      const files = [...(event.dataTransfer?.files ?? [])]
      if (enabled.value && files.length > 0) drop(files)
    },
  }

  function keepPage(event: DragEvent): void {
    if (!carriesFiles(event)) return
    event.preventDefault()
    const allowed = enabled.value && over.value
    if (event.dataTransfer) event.dataTransfer.dropEffect = allowed ? 'copy' : 'none'
  }

  onMounted(() => {
    window.addEventListener('dragover', keepPage)
    window.addEventListener('drop', keepPage)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('dragover', keepPage)
    window.removeEventListener('drop', keepPage)
  })

  return { over, handlers }
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') === true
}
