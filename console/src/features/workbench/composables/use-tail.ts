import { computed, type Ref, ref } from 'vue'

const SHOWN = 120
const MORE = 120

/** The end of a long list, as long as it was scrolled to: what nobody has looked at is not drawn. */
export function useTail<Entry>(all: Readonly<Ref<readonly Entry[]>>) {
  const most = ref(SHOWN)
  const shown = computed(() => all.value.slice(-most.value))
  const hasMore = computed(() => all.value.length > most.value)

  return { shown, hasMore, showMore: () => (most.value += MORE) }
}
