/** What the socket carries, told apart once, at the edge. */

export interface Fact {
  seq: number
  topic: string
  object_id: string
  version: number
  payload: unknown
}

export type FromServer =
  | { type: 'hello'; cursor: string }
  | { type: 'facts'; cursor: string; facts: Fact[] }
  | { type: 'resync'; cursor: string; reason: string }
  | { type: 'pong' }

export type ToServer = { type: 'ping' } | { type: 'presence'; workbench: boolean }

/** Return the server's message, or null for what this console does not know (a newer server may say more). */
export function readMessage(text: unknown): FromServer | null {
  const said = parse(text)
  if (!isRecord(said)) return null
  if (said.type === 'pong') return { type: 'pong' }
  if (typeof said.cursor !== 'string') return null
  switch (said.type) {
    case 'hello':
      return { type: 'hello', cursor: said.cursor }
    case 'resync':
      return { type: 'resync', cursor: said.cursor, reason: String(said.reason) }
    case 'facts':
      if (!Array.isArray(said.facts)) return null
      return { type: 'facts', cursor: said.cursor, facts: said.facts.filter(isFact) }
    default:
      return null
  }
}

function parse(text: unknown): unknown {
  if (typeof text !== 'string') return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isFact(value: unknown): value is Fact {
  return (
    isRecord(value) &&
    typeof value.seq === 'number' &&
    typeof value.topic === 'string' &&
    typeof value.object_id === 'string' &&
    typeof value.version === 'number'
  )
}
