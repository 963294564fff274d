/** What can be told of a follow reply before the server says the same. */
import type { FollowReply, FollowReplyLimits, ReplyMessage } from '@/api/types'
import { utf8Length } from '@/lib/bytes'

/** The reply as it is edited: nothing in it is left out. */
export interface Draft {
  enabled: boolean
  first: ReplyMessage[]
  returning: ReplyMessage[] | null
  scanned: ReplyMessage[] | null
  scenes: { scene: string; messages: ReplyMessage[] }[]
}

/** Whom the phone shows: everybody, who comes back, who scanned a code, or the followers of one code. */
export type Follower = 'first' | 'returning' | 'scanned' | `scenes.${number}`

/** What keeps a field from being saved. `path` is the field's, as `scenes.0.messages.1.text`. */
export interface Fault {
  path: string
  reason: string
  values: Readonly<Record<string, string | number>>
}

const PLACEHOLDER = /\{([^{}]*)\}/gu

export function draftOf(reply: FollowReply): Draft {
  return {
    enabled: reply.enabled,
    first: [...reply.first],
    returning: reply.returning ? [...reply.returning] : null,
    scanned: reply.scanned ? [...reply.scanned] : null,
    scenes: reply.scenes.map(({ scene, messages }) => ({ scene, messages: [...messages] })),
  }
}

export function freshMessage(type: ReplyMessage['type']): ReplyMessage {
  return type === 'text' ? { type, text: '' } : { type, picture_id: null }
}

/** How many bytes a text has at most, whoever it is filled in for. */
export function longestBytes(text: string, limits: FollowReplyLimits): number {
  const filled = text.replace(PLACEHOLDER, (_, name: string) => {
    if (name === 'time') return '00:00'
    return limits.placeholders.includes(name) ? 'x'.repeat(limits.name_bytes) : ''
  })
  return utf8Length(filled)
}

/** What the provider would be given: one pass over the template, as the server does it. */
export function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '')
}

/** What keeps the draft from being saved, by the rules that the server goes by. */
export function faultsOf(draft: Draft, limits: FollowReplyLimits): Fault[] {
  const faults: Fault[] = []
  const add = (path: string, reason: string, values: Fault['values'] = {}) =>
    faults.push({ path, reason, values })
  for (const [path, messages] of variants(draft)) {
    if (messages.length === 0 && (draft.enabled || path !== 'first')) add(path, 'missing')
    messages.forEach((message, number) => {
      if (message.type === 'image') {
        if (!message.picture_id) add(`${path}.${number}.picture_id`, 'missing')
        return
      }
      const field = `${path}.${number}.text`
      const unknown = unknownIn(message.text, limits)
      const bytes = longestBytes(message.text, limits)
      if (message.text.trim() === '') add(field, 'empty')
      else if (unknown.length > 0) add(field, 'unknown_placeholder', { names: unknown.join(' ') })
      else if (bytes > limits.most_text_bytes)
        add(field, 'too_long', { bytes, most: limits.most_text_bytes })
    })
  }
  const seen = new Set<string>()
  draft.scenes.forEach(({ scene }, number) => {
    if (scene.trim() === '') add(`scenes.${number}.scene`, 'empty')
    else if (seen.has(scene)) add(`scenes.${number}.scene`, 'repeated')
    seen.add(scene)
  })
  return faults
}

/** What a follower is told: the more is known of why they came, the more that counts. */
export function toldTo(draft: Draft, follower: Follower): readonly ReplyMessage[] {
  const scene = follower.startsWith('scenes.') ? draft.scenes[Number(follower.slice(7))] : undefined
  if (scene) return scene.messages
  if (follower === 'returning') return draft.returning ?? draft.first
  return follower === 'first' ? draft.first : (draft.scanned ?? draft.first)
}

function* variants(draft: Draft): Generator<[string, readonly ReplyMessage[]]> {
  yield ['first', draft.first]
  if (draft.returning) yield ['returning', draft.returning]
  if (draft.scanned) yield ['scanned', draft.scanned]
  for (const [number, one] of draft.scenes.entries())
    yield [`scenes.${number}.messages`, one.messages]
}

function unknownIn(text: string, limits: FollowReplyLimits): string[] {
  const found = [...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')
  return [...new Set(found.filter((name) => !limits.placeholders.includes(name)))].map(
    (name) => `{${name}}`,
  )
}

/** The faults that the server found, as it tells them in a problem's details. */
export function faultsIn(details: Readonly<Record<string, unknown>>): Fault[] {
  return Array.isArray(details.faults) ? details.faults.filter(isFault) : []
}

function isFault(value: unknown): value is Fault {
  return (
    typeof value === 'object' &&
    value !== null &&
    'path' in value &&
    'reason' in value &&
    'values' in value
  )
}
