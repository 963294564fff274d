/** What is wrong with one message of a follow reply, by the rules that the server goes by. */
import type { FollowReplyLimits, ReplyMessage } from '@/api/types'
import { utf8Length } from '@/lib/bytes'

import type { Fault } from './follow'
import { longestBytes, PLACEHOLDER } from './placeholders'

type Of<Type extends ReplyMessage['type']> = Extract<ReplyMessage, { type: Type }>

const WEB_ADDRESS = /^https?:\/\/[^\s/?#]+\S*$/iu

export function* faultsOfMessage(
  path: string,
  message: ReplyMessage,
  limits: FollowReplyLimits,
): Generator<Fault> {
  switch (message.type) {
    case 'text':
      yield* ofTemplate(`${path}.text`, message.text, limits.most_text_bytes, limits)
      break
    case 'image':
      if (!message.picture_id) yield { path: `${path}.picture_id`, reason: 'missing', values: {} }
      break
    case 'choices':
      yield* ofChoices(path, message, limits)
      break
    case 'news':
      yield* ofNews(path, message, limits)
      break
  }
}

function* ofChoices(
  path: string,
  question: Of<'choices'>,
  limits: FollowReplyLimits,
): Generator<Fault> {
  const own = limits.choices
  if (!own) return
  yield* ofTemplate(`${path}.text`, question.text, own.most_words_bytes, limits)
  yield* ofLength(`${path}.tail`, question.tail, own.most_words_bytes)
  const seen = new Set<string>()
  for (const [number, item] of question.items.entries()) {
    const field = `${path}.items.${number}`
    const words = item.trim()
    if (words === '') yield { path: field, reason: 'empty', values: {} }
    else if (seen.has(words)) yield { path: field, reason: 'twice_the_same', values: {} }
    yield* ofLength(field, item, own.most_item_bytes)
    seen.add(words)
  }
}

function* ofNews(path: string, news: Of<'news'>, limits: FollowReplyLimits): Generator<Fault> {
  const own = limits.news
  if (!own) return
  if (news.title.trim() === '') yield { path: `${path}.title`, reason: 'empty', values: {} }
  yield* ofLength(`${path}.title`, news.title, own.most_title_bytes)
  yield* ofLength(`${path}.description`, news.description, own.most_description_bytes)
  if (news.url.trim() === '') yield { path: `${path}.url`, reason: 'empty', values: {} }
  for (const field of ['url', 'picture_url'] as const) {
    const address = news[field]
    if (field === 'picture_url' && news.picture_id) continue
    if (address === '' || (field === 'url' && address.trim() === '')) continue
    if (!WEB_ADDRESS.test(address))
      yield { path: `${path}.${field}`, reason: 'no_web_address', values: {} }
    else yield* ofLength(`${path}.${field}`, address, own.most_url_bytes)
  }
}

function* ofTemplate(
  path: string,
  text: string,
  most: number,
  limits: FollowReplyLimits,
): Generator<Fault> {
  const unknown = unknownIn(text, limits)
  const bytes = longestBytes(text, limits)
  if (text.trim() === '') yield { path, reason: 'empty', values: {} }
  else if (unknown.length > 0)
    yield { path, reason: 'unknown_placeholder', values: { names: unknown.join(' ') } }
  else if (bytes > most) yield { path, reason: 'too_long', values: { bytes, most } }
}

function* ofLength(path: string, text: string, most: number): Generator<Fault> {
  const bytes = utf8Length(text)
  if (bytes > most) yield { path, reason: 'too_long', values: { bytes, most } }
}

function unknownIn(text: string, limits: FollowReplyLimits): string[] {
  const found = [...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')
  return [...new Set(found.filter((name) => !limits.placeholders.includes(name)))].map(
    (name) => `{${name}}`,
  )
}
