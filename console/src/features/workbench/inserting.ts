/** Choices and cards as an agent writes them, and what hinders them from being sent. */
import type { ChannelKind } from '@/api/types'
import type { CardPicture } from '@/channels/card-picture'
import { utf8Length } from '@/lib/bytes'

import { linkOf } from './content'
import type { SaidChoices, SaidNews } from './outbox'

export const LEAST_OPTIONS = 2
/** Bytes for the numbers and the last line, where choices go out as a text because nothing can be tapped: at most. */
const NUMBERING_BYTES = 120

export interface QuestionDraft {
  text: string
  items: string[]
  tail: string
}

export interface CardDraft {
  title: string
  description: string
  url: string
  picture: CardPicture
}

export interface Fault {
  /** `text`, `tail`, `items.0`, `title` … */
  field: string
  reason: 'empty' | 'tooLong' | 'twice' | 'noAddress' | 'uploading'
  /** Of what is too long: by how many bytes. */
  over: number
}

export type Limits = Pick<ChannelKind['capabilities'], 'choices' | 'news' | 'max_text_bytes'>

export const INSERTED = ['choices', 'news'] as const
const ATTACHED = ['image', 'voice', 'video', 'file'] as const

export type Kind = (typeof INSERTED)[number] | (typeof ATTACHED)[number]

export interface Offer {
  kind: Kind
  /** Why it cannot be sent: the channel has no such messages, or the account can only answer. Null where it can. */
  against: 'channel' | 'passive' | null
}

/**
 * What the composer's menu shows: what is inserted, and of what is attached that which cannot be sent, so that nobody
 * looks for it in vain. `takes` is what can be sent now, `sendable` what the channel carries at all.
 */
export function offersOf(takes: readonly string[], sendable: readonly string[]): Offer[] {
  const against = (kind: Kind): Offer['against'] => {
    if (takes.includes(kind)) return null
    return sendable.includes(kind) ? 'passive' : 'channel'
  }
  const all = [...INSERTED, ...ATTACHED].map((kind) => ({ kind, against: against(kind) }))
  return all.filter(({ kind, against: reason }) => isInserted(kind) || reason !== null)
}

export function isInserted(kind: Kind): kind is (typeof INSERTED)[number] {
  return INSERTED.some((one) => one === kind)
}

export function blankQuestion(): QuestionDraft {
  return { text: '', items: ['', ''], tail: '' }
}

export function blankCard(): CardDraft {
  return { title: '', description: '', url: '', picture: { id: null, address: '' } }
}

/** Return what is wrong with `draft`, in the order of its fields. */
export function questionFaults(draft: QuestionDraft, limits: Limits): Fault[] {
  const { choices } = limits
  if (choices === null) return []
  const { most_words_bytes: mostWords, most_item_bytes: mostItem } = choices
  const items = draft.items.map((item) => item.trim())
  return [
    ...wordsFaults('text', draft.text, mostWords),
    ...items.flatMap((item, at) => {
      const field = `items.${String(at)}`
      const twice = item !== '' && items.indexOf(item) < at
      return twice ? [fault(field, 'twice')] : wordsFaults(field, item, mostItem)
    }),
    ...lengthFaults('tail', draft.tail, mostWords),
  ]
}

/** Whether `draft` may be too long for a text with numbers: where nothing can be tapped, it then goes out as a link. */
export function needsPage(draft: QuestionDraft, { max_text_bytes: most }: Limits): boolean {
  const all = [draft.text, ...draft.items, draft.tail]
  return all.reduce((sum, each) => sum + utf8Length(each.trim()), NUMBERING_BYTES) > most
}

/** Return what is wrong with `draft`, in the order of its fields. */
export function cardFaults(draft: CardDraft, { news }: Limits): Fault[] {
  if (news === null) return []
  return [
    ...wordsFaults('title', draft.title, news.most_title_bytes),
    ...lengthFaults('description', draft.description, news.most_description_bytes),
    ...addressFaults('url', draft.url, news.most_url_bytes),
    ...(draft.picture.id !== null || draft.picture.address.trim() === ''
      ? []
      : addressFaults('picture', draft.picture.address, news.most_url_bytes)),
  ]
}

export function questionOf({ text, items, tail }: QuestionDraft): SaidChoices {
  const words = items.map((item) => item.trim())
  return { type: 'choices', text: text.trim(), items: words, tail: tail.trim() }
}

export function cardOf({ title, description, url, picture }: CardDraft): SaidNews {
  return {
    type: 'news',
    title: title.trim(),
    description: description.trim(),
    url: url.trim(),
    picture_url: picture.id === null ? picture.address.trim() || null : null,
    picture_id: picture.id,
  }
}

function fault(field: string, reason: Fault['reason'], over = 0): Fault {
  return { field, reason, over }
}

function wordsFaults(field: string, text: string, most: number): Fault[] {
  return text.trim() === '' ? [fault(field, 'empty')] : lengthFaults(field, text, most)
}

function lengthFaults(field: string, text: string, most: number): Fault[] {
  const over = utf8Length(text.trim()) - most
  return over > 0 ? [fault(field, 'tooLong', over)] : []
}

function addressFaults(field: string, address: string, most: number): Fault[] {
  const url = address.trim()
  if (url === '') return [fault(field, 'empty')]
  return linkOf({ url }) === null || /\s/.test(url)
    ? [fault(field, 'noAddress')]
    : lengthFaults(field, url, most)
}
