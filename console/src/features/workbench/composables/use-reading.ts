import { computed, nextTick, onBeforeUnmount, onMounted, ref, type Ref, watch } from 'vue'

import type { Conversation } from '@/api/types'

import type { Thread } from '../replica'
import { useWorkbench } from '../workbench.store'

/**
 * What of a thread was looked at. Only who answers reads for the desk, and what is not on the screen is not read.
 *
 * `atBottom` says where the reader is; `toBottom` brings them there.
 */
export function useReading(
  conversation: Ref<Conversation>,
  thread: Ref<Thread | null>,
  { atBottom, toBottom }: { atBottom: Readonly<Ref<boolean>>; toBottom: () => void },
) {
  const workbench = useWorkbench()
  const unseenFrom = ref<number | null>(null)

  const lastSeq = computed(() => thread.value?.messages.at(-1)?.seq ?? 0)
  const unseen = computed(() => {
    const from = unseenFrom.value
    return from === null
      ? 0
      : (thread.value?.messages.filter((each) => each.seq > from).length ?? 0)
  })

  function read(): void {
    const { owner, unread } = conversation.value
    const mine = owner.kind === 'agent' && owner.agent_id === workbench.me
    if (!mine || unread === 0 || !atBottom.value || document.hidden) return
    if (lastSeq.value > 0) void workbench.markRead(conversation.value, lastSeq.value)
  }

  watch(lastSeq, async (now, before) => {
    if (before > 0 && !atBottom.value) unseenFrom.value ??= before
    await nextTick()
    if (now > 0 && before === 0) toBottom()
    read()
  })
  watch(() => [conversation.value.unread, conversation.value.owner.agent_id], read)
  watch(atBottom, (now) => {
    if (!now) return
    unseenFrom.value = null
    read()
  })
  onMounted(() => {
    toBottom()
    read()
    document.addEventListener('visibilitychange', read)
  })
  onBeforeUnmount(() => document.removeEventListener('visibilitychange', read))

  return { unseen }
}
