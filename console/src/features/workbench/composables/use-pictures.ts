import { computed, type Ref, ref } from 'vue'

import { mediaOf } from '../media'
import type { Thread } from '../replica'
import { provideViewer } from './use-viewer'

/** The pictures of a thread that can be looked at, and the message whose picture is. */
export function usePictures(thread: Readonly<Ref<Thread | null>>) {
  const viewing = ref<string | null>(null)
  const pictures = computed(() =>
    (thread.value?.messages ?? []).filter(({ content }) => {
      const media = mediaOf(content)
      return media?.type === 'image' && media.state === 'kept'
    }),
  )
  provideViewer((messageId) => (viewing.value = messageId))

  return { viewing, pictures }
}
