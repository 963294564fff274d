/** What can be told of a follow reply before the server says the same. */
import type { FollowReply, FollowReplyLimits, ReplyMessage } from '@/api/types'

import { faultsOfMessage } from './message-faults'

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
  switch (type) {
    case 'text':
      return { type, text: '' }
    case 'image':
      return { type, picture_id: null }
    case 'choices':
      return { type, text: '', items: ['', ''], tail: '' }
    case 'news':
      return { type, title: '', description: '', url: '', picture_url: '', picture_id: null }
  }
}

/** What keeps the draft from being saved, by the rules that the server goes by. */
export function faultsOf(draft: Draft, limits: FollowReplyLimits): Fault[] {
  const faults: Fault[] = []
  const add = (path: string, reason: string, values: Fault['values'] = {}) =>
    faults.push({ path, reason, values })
  for (const [path, messages] of variants(draft)) {
    if (messages.length === 0 && (draft.enabled || path !== 'first')) add(path, 'missing')
    let asked = false
    for (const [number, message] of messages.entries()) {
      if (message.type === 'choices' && asked) add(`${path}.${number}`, 'second_question')
      asked ||= message.type === 'choices'
      faults.push(...faultsOfMessage(`${path}.${number}`, message, limits))
    }
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
