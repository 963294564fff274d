import { ref } from 'vue'

import { asProblem } from '@/api/problems'
import { freshKey } from '@/lib/ids'
import { useProblemText } from '@/ui/problem-text'
import { useToasts } from '@/ui/toasts'

/**
 * One command that a button gives. It is busy until the server has answered; where nobody knows whether it was done,
 * the next press repeats it under the same key.
 */
export function useCommand() {
  const toasts = useToasts()
  const problemText = useProblemText()
  const busy = ref(false)
  let key = freshKey()

  /** Return whether it is done. What went wrong is told. */
  async function run(command: (key: string) => Promise<void>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    try {
      await command(key)
      key = freshKey()
      return true
    } catch (error) {
      const problem = asProblem(error)
      if (!problem.isPassing) key = freshKey()
      if (!problem.isAlreadyDone) toasts.warn(problemText(problem))
      return problem.isAlreadyDone
    } finally {
      busy.value = false
    }
  }

  return { busy, run }
}
