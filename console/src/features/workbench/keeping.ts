/** The outbox over a reload: words that wait are kept by the browser, for the agent who wrote them. */
import { Problem } from '@/api/problems'

import type { Pending } from './outbox'

/** After so long nothing goes out by itself any more: a person has to look whether it is still right. */
const STALE_MS = 12 * 3600_000

export function outboxKey(agentId: string): string {
  return `moorage.outbox.${agentId}`
}

/** What is to be kept of `pending`, as text; null if nothing is. Pictures live as long as the page. */
export function keptForm(pending: readonly Pending[]): string | null {
  const words = pending.flatMap(({ said, key, conversationId, threadId, at, state }) =>
    said.type === 'text' && state !== 'failed'
      ? [{ key, conversationId, threadId, at, text: said.text }]
      : [],
  )
  return words.length === 0 ? null : JSON.stringify(words)
}

/** Return what was kept. Its commands may have been carried out already; their keys make that harmless. */
export function restored(text: string | null, now: number): Pending[] {
  return parsed(text).map((each) => {
    const stale = now - Date.parse(each.at) > STALE_MS
    const { text: words, ...rest } = each
    return {
      ...rest,
      said: { type: 'text', text: words },
      state: stale ? 'failed' : 'waiting',
      problem: stale ? new Problem('workbench.kept_too_long', 409) : null,
      arrived: false,
    }
  })
}

interface Kept {
  key: string
  conversationId: string
  threadId: string
  at: string
  text: string
}

function parsed(text: string | null): Kept[] {
  try {
    const all: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(all) ? all.filter(isKept) : []
  } catch {
    return []
  }
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map<string, unknown>(Object.entries(value))
  return ['key', 'conversationId', 'threadId', 'at', 'text'].every(
    (name) => typeof fields.get(name) === 'string',
  )
}
