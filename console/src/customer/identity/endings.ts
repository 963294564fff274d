import type { Problem } from '@/api/problems'

/** The word of the sentence for a problem after which asking again is of no use; null for what may pass. */
export function endingOf(problem: Problem | null): string | null {
  switch (problem?.code) {
    case 'customers.identity_question_expired':
      return 'question_expired'
    case 'customers.identity_link_used':
      return 'link_used'
    case 'customers.visit_failed':
      return 'off'
    default:
      return null
  }
}
