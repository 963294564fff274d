/** The outbox over a reload: words that wait are kept by the browser, for the agent who wrote them. */
import { Problem } from '@/api/problems'

import type { Card, Pending, Said } from './outbox'

/** After so long nothing goes out by itself any more: a person has to look whether it is still right. */
const STALE_MS = 12 * 3600_000

export function outboxKey(agentId: string): string {
  return `moorage.outbox.${agentId}`
}

/** What is to be kept of `pending`, as text; null if nothing is. Pictures live as long as the page. */
export function keptForm(pending: readonly Pending[]): string | null {
  const words = pending.flatMap(({ said, key, conversationId, threadId, at, state }) =>
    'attachmentId' in said || state === 'failed'
      ? []
      : [{ key, conversationId, threadId, at, ...wordsOf(said) }],
  )
  return words.length === 0 ? null : JSON.stringify(words)
}

/** Return what was kept. Its commands may have been carried out already; their keys make that harmless. */
export function restored(text: string | null, now: number): Pending[] {
  return parsed(text).map((each) => {
    const stale = now - Date.parse(each.at) > STALE_MS
    const { key, conversationId, threadId, at } = each
    return {
      ...{ key, conversationId, threadId, at },
      said: each.card ?? { type: 'text', text: each.text },
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
  /** A question or a card in place of the text. */
  card?: Card
}

function wordsOf(said: Exclude<Said, { attachmentId: string }>): Pick<Kept, 'text' | 'card'> {
  return said.type === 'text' ? { text: said.text } : { text: '', card: said }
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
  const card = fields.get('card')
  return (
    hasTexts(fields, ['key', 'conversationId', 'threadId', 'at', 'text']) &&
    (card === undefined || isCard(card))
  )
}

function isCard(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map<string, unknown>(Object.entries(value))
  const items = fields.get('items')
  if (fields.get('type') === 'choices')
    return (
      hasTexts(fields, ['text', 'tail']) &&
      Array.isArray(items) &&
      items.every((item) => typeof item === 'string')
    )
  const pictures = [fields.get('picture_url') ?? null, fields.get('picture_id') ?? null]
  return (
    fields.get('type') === 'news' &&
    hasTexts(fields, ['title', 'description', 'url']) &&
    pictures.every((picture) => picture === null || typeof picture === 'string')
  )
}

function hasTexts(fields: ReadonlyMap<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof fields.get(name) === 'string')
}
