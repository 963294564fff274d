const FIRST_MS = 500
const LONGEST_MS = 15_000

/**
 * How long to wait before attempt number `attempt` (0 is the first repeat), in milliseconds.
 *
 * `chance` in [0, 1) spreads the clients of a server that comes back over half of the wait.
 */
export function backoffMs(attempt: number, chance: number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  return Math.round(whole / 2 + (whole / 2) * chance)
}
