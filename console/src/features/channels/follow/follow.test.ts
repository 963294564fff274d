import { expect, it } from 'vitest'

import type { FollowReplyLimits, ReplyMessage } from '@/api/types'

import { draftOf, faultsOf } from './follow'

const LIMITS: FollowReplyLimits = {
  most_messages: 3,
  within_s: 60,
  most_text_bytes: 2048,
  most_scenes: 50,
  placeholders: ['channel', 'customer', 'time'],
  name_bytes: 80,
  sendable: ['choices', 'image', 'news', 'text'],
  choices: {
    least_items: 2,
    most_items: 10,
    most_item_bytes: 128,
    most_words_bytes: 2048,
  },
  news: { most_title_bytes: 192, most_description_bytes: 512, most_url_bytes: 2048 },
}

function faults(...first: ReplyMessage[]): string[] {
  const draft = draftOf({ enabled: true, first, returning: null, scanned: null, scenes: [] })
  return faultsOf(draft, LIMITS).map(({ path, reason }) => `${path} ${reason}`)
}

it('finds what is wrong with a question', () => {
  const good: ReplyMessage = { type: 'choices', text: '{customer}?', items: ['a', 'b'], tail: '' }
  expect(faults(good)).toEqual([])
  expect(faults({ ...good, text: '{agent}', items: ['a', 'a ', ''] })).toEqual([
    'first.0.text unknown_placeholder',
    'first.0.items.1 twice_the_same',
    'first.0.items.2 empty',
  ])
  expect(faults({ ...good, text: '茶'.repeat(670) })).toEqual([])
  expect(faults({ ...good, text: '茶'.repeat(683) })).toEqual(['first.0.text too_long'])
  expect(faults(good, good)).toEqual(['first.1 second_question'])
})

it('finds what is wrong with a card', () => {
  const good: ReplyMessage = {
    type: 'news',
    title: 'Tea',
    description: '',
    url: 'https://tea.example.com/',
    picture_url: '',
  }
  expect(faults(good)).toEqual([])
  expect(faults({ ...good, title: ' ', url: '', picture_url: 'javascript:alert(1)' })).toEqual([
    'first.0.title empty',
    'first.0.url empty',
    'first.0.picture_url no_web_address',
  ])
})
