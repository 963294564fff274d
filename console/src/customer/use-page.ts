import { onMounted, ref, shallowRef } from 'vue'

import { asProblem, type Problem } from '@/api/problems'

/** What a page behind a link shows, once it is read. */
export function usePage<View>(read: () => Promise<View>) {
  const view = shallowRef<View | null>(null)
  const problem = ref<Problem | null>(null)

  async function load(): Promise<void> {
    problem.value = null
    try {
      view.value = await read()
    } catch (error) {
      problem.value = asProblem(error)
    }
  }

  onMounted(load)
  return { view, problem, load }
}
