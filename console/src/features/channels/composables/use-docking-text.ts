import type { Problem } from '@/api/problems'
import { useKinds } from '@/channels/use-kinds'
import { useProblemText } from '@/ui/problem-text'

/** Words for a failed attempt to dock: the kind's own for its reason, which tell what to do, else those of the code. */
export function useDockingText(): (problem: Problem) => string {
  const kinds = useKinds()
  const problemText = useProblemText()
  return (problem) => {
    const { reason } = problem.details
    const [room, word = ''] = problem.code.split('.')
    const own = typeof reason === 'string' ? reason : room === 'channels' ? word : ''
    return kinds.anyReasonOf(own) ?? problemText(problem)
  }
}
