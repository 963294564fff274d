import { describe, expect, it } from 'vitest'

import {
  cardFaults,
  cardOf,
  type Limits,
  needsPage,
  offersOf,
  questionFaults,
  questionOf,
} from './inserting'

const LIMITS: Limits = {
  max_text_bytes: 2048,
  choices: { most_items: 10, most_item_bytes: 12, most_words_bytes: 2048 },
  news: { most_title_bytes: 12, most_description_bytes: 30, most_url_bytes: 60 },
}

describe('the menu of kinds', () => {
  const everything = ['text', 'image', 'voice', 'video', 'file', 'choices', 'news']

  it('shows what is inserted alone where everything can be sent', () => {
    const offers = offersOf(everything, everything)
    expect(offers).toEqual([
      { kind: 'choices', against: null },
      { kind: 'news', against: null },
    ])
  })

  it('says of everything else why it cannot be sent', () => {
    const passive = offersOf(['choices'], everything)
    expect(passive.map(({ kind, against }) => `${kind} ${String(against)}`)).toEqual([
      'choices null',
      'news passive',
      'image passive',
      'voice passive',
      'video passive',
      'file passive',
    ])
    const web = ['text', 'file', 'choices', 'news']
    expect(offersOf(web, web).filter(({ against }) => against === 'channel')).toHaveLength(3)
  })
})

describe('a question', () => {
  it('is whole with a question and two choices', () => {
    const draft = { text: ' Which? ', items: ['Red ', ' Blue'], tail: '' }
    expect(questionFaults(draft, LIMITS)).toEqual([])
    expect(questionOf(draft).items).toEqual(['Red', 'Blue'])
  })

  it('is faulted at each field, in bytes', () => {
    const draft = { text: ' ', items: ['红色的那个', 'Blue', 'Blue', ''], tail: '' }
    expect(questionFaults(draft, LIMITS)).toEqual([
      { field: 'text', reason: 'empty', over: 0 },
      { field: 'items.0', reason: 'tooLong', over: 3 },
      { field: 'items.2', reason: 'twice', over: 0 },
      { field: 'items.3', reason: 'empty', over: 0 },
    ])
  })

  it('may be too long for a text with numbers: then it needs a page', () => {
    const draft = { text: 'a'.repeat(1990), items: ['Red', 'Blue'], tail: '' }
    expect(questionFaults(draft, LIMITS)).toEqual([])
    expect(needsPage(draft, LIMITS)).toBe(true)
    expect(needsPage({ ...draft, text: 'a'.repeat(1900) }, LIMITS)).toBe(false)
  })
})

describe('a card', () => {
  it('needs a title and a web address; its picture may be missing', () => {
    const draft = {
      title: 'Sale',
      description: '',
      url: 'https://shop.example/a',
      picture: { id: null, address: ' ' },
    }
    expect(cardFaults(draft, LIMITS)).toEqual([])
    expect(cardOf(draft)).toMatchObject({ picture_url: null, picture_id: null })
  })

  it('has a picture that was uploaded, or the address of one', () => {
    const draft = { title: 'Sale', description: '', url: 'https://shop.example/a' }
    const given = { ...draft, picture: { id: null, address: ' https://shop.example/a.png ' } }
    expect(cardOf(given)).toMatchObject({
      picture_url: 'https://shop.example/a.png',
      picture_id: null,
    })
    const uploaded = { ...draft, picture: { id: 'p1', address: '' } }
    expect(cardFaults(uploaded, LIMITS)).toEqual([])
    expect(cardOf(uploaded)).toMatchObject({ picture_url: null, picture_id: 'p1' })
  })

  it.each(['javascript:alert(1)', 'shop.example', 'https://shop.example/a b'])(
    'does not lead to %s',
    (url) => {
      const draft = { title: 'Sale', description: '', url, picture: { id: null, address: url } }
      expect(cardFaults(draft, LIMITS).map((each) => [each.field, each.reason])).toEqual([
        ['url', 'noAddress'],
        ['picture', 'noAddress'],
      ])
    },
  )
})
