/** A command or question that did not work, as the person has to be told. */
export class Problem extends Error {
  constructor(
    /** Stable and dotted; the console translates it under `errors.<code>`. */
    readonly code: string,
    readonly status: number,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(code)
    this.name = 'Problem'
  }

  /** Nobody knows whether the server did it: asking again needs the same key. */
  get isUnreachable(): boolean {
    return this.status === 0
  }

  /** The same command with the same key may well work in a moment, without anybody doing anything about it. */
  get isPassing(): boolean {
    const busy = this.code === 'core.idempotency_still_running'
    return this.isUnreachable || busy || [502, 503, 504].includes(this.status)
  }

  /** The server did it at an earlier try, and only its answer was lost. */
  get isAlreadyDone(): boolean {
    return this.code === 'core.already_carried_out'
  }
}

/** Return the problem that the server's answer tells of. Anything that is no problem document becomes `core.failed`. */
export function problemOf(status: number, body: unknown): Problem {
  if (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    typeof body.code === 'string'
  ) {
    const details = 'details' in body && typeof body.details === 'object' ? body.details : null
    return new Problem(body.code, status, (details ?? {}) as Record<string, unknown>)
  }
  return new Problem(status >= 500 ? 'core.failed' : 'core.refused', status)
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('core.failed', 500)
}
