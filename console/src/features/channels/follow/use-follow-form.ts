import { computed, reactive, ref, type Ref, watch } from 'vue'

import { asProblem } from '@/api/problems'
import type { FollowReplyState, ReplyPicture } from '@/api/types'

import { draftOf, type Fault, faultsIn, faultsOf } from './follow'

/** The follow reply as it is being edited. A fault shows once its field was written in, or saving was tried. */
export function useFollowForm(state: Ref<FollowReplyState>, refusal: Ref<unknown>) {
  const draft = reactive(draftOf(state.value.reply))
  const base = ref({ version: state.value.version, text: JSON.stringify(draft) })
  const pictures = reactive(new Map<string, ReplyPicture>())
  const all = ref(false)

  const isChanged = computed(() => JSON.stringify(draft) !== base.value.text)
  const faults = computed(() => faultsOf(draft, state.value.limits))
  const isWrong = computed(() => faults.value.length > 0)
  /** What the server found, until something is changed. */
  const refused = ref<Fault[]>([])
  const shownFaults = computed(() => {
    const own = faults.value.filter(
      ({ reason }) => all.value || !['empty', 'missing'].includes(reason),
    )
    const known = new Set(own.map(({ path }) => path))
    return [...own, ...refused.value.filter(({ path }) => !known.has(path))]
  })

  function adopt(now: FollowReplyState): void {
    Object.assign(draft, draftOf(now.reply))
    base.value = { version: now.version, text: JSON.stringify(draft) }
    all.value = false
  }

  watch(
    () => state.value.pictures,
    (kept) => kept.forEach((picture) => pictures.set(picture.id, picture)),
    { immediate: true },
  )
  // What somebody else saved is shown at once, unless it would overwrite what is being written here.
  watch(
    () => state.value.version,
    () => {
      if (!isChanged.value) adopt(state.value)
    },
  )
  watch(refusal, (error) => {
    refused.value = error ? faultsIn(asProblem(error).details) : []
  })
  watch(draft, () => {
    refused.value = []
  })

  return {
    draft,
    version: computed(() => base.value.version),
    isChanged,
    isWrong,
    shownFaults,
    adopt,
    showAll: () => {
      all.value = true
    },
    reset: () => adopt(state.value),
    picture: (id: string | null) => (id === null ? undefined : pictures.get(id)),
    keepPicture: (picture: ReplyPicture) => void pictures.set(picture.id, picture),
  }
}
