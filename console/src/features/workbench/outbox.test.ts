import { describe, expect, it } from 'vitest'

import { Problem } from '@/api/problems'

import { keptForm, restored } from './keeping'
import { arrived, type Card, failed, held, nextIn, type Pending, sending, settled } from './outbox'
import { aMessage, ME } from './samples'

const NOW = Date.parse('2026-11-23T08:00:00Z')
const one: Pending = {
  key: 'k1',
  conversationId: 'conversation-1',
  threadId: 'thread-1',
  said: { type: 'text', text: 'hi' },
  at: '2026-11-23T08:00:00Z',
  state: 'waiting',
  problem: null,
  arrived: false,
}
const two: Pending = { ...one, key: 'k2' }
const unreachable = new Problem('core.unreachable', 0)
const mine = { kind: 'agent', agent_id: ME, name: 'Lin', why: null } as const
const hi = { version: 1, type: 'text', text: 'hi', choice_id: null } as const
const myHi = aMessage(9, { author: mine, content: hi })

describe('the outbox', () => {
  it('lets one message of a thread out after the other', () => {
    const other: Pending = { ...one, key: 'k3', threadId: 'thread-2' }
    const all = [one, two, other]
    expect(nextIn(all, 'thread-1')?.key).toBe('k1')
    expect(nextIn(sending(all, 'k1'), 'thread-1')).toBeNull()
    expect(nextIn(sending(all, 'k1'), 'thread-2')?.key).toBe('k3')
    expect(nextIn(settled(all, 'k1'), 'thread-1')?.key).toBe('k2')
  })

  it('keeps the order when a message could not get through', () => {
    const stuck = held(sending([one, two], 'k1'), 'k1', unreachable)
    expect(nextIn(stuck, 'thread-1')?.key).toBe('k1')
  })

  it('goes on past a message that the server refused', () => {
    const refused = failed(sending([one, two], 'k1'), 'k1', new Problem('x', 409))
    expect(refused[0]?.problem?.code).toBe('x')
    expect(nextIn(refused, 'thread-1')?.key).toBe('k2')
  })

  it('shows a message once when the socket is quicker than the answer', () => {
    const shown = arrived(sending([one, two], 'k1'), myHi, ME)
    expect(shown.map((each) => each.arrived)).toEqual([true, false])
  })

  it('knows a message again whose answer was lost, and still carries it through', () => {
    const stuck = arrived(held(sending([one, two], 'k1'), 'k1', unreachable), myHi, ME)
    expect(stuck.map((each) => each.arrived)).toEqual([true, false])
    expect(nextIn(stuck, 'thread-1')?.key).toBe('k1')
  })

  it('takes what was never tried for no other message with the same words', () => {
    expect(arrived([one], myHi, ME)).toEqual([one])
  })

  it('is not moved by the words of others', () => {
    const all = sending([one], 'k1')
    expect(arrived(all, aMessage(9, { content: hi }), ME)).toEqual(all)
  })

  it('shows a message again that was taken for another one and then refused', () => {
    const shown = arrived(sending([one], 'k1'), myHi, ME)
    expect(failed(shown, 'k1', new Problem('x', 409))[0]?.arrived).toBe(false)
  })
})

describe('the outbox over a reload', () => {
  it('keeps words and their keys, which make a second sending harmless', () => {
    const kept = restored(keptForm(sending([one, two], 'k1')), NOW)
    expect(kept.map(({ key, said, state }) => [key, said, state])).toEqual([
      ['k1', one.said, 'waiting'],
      ['k2', two.said, 'waiting'],
    ])
  })

  it.each<Card>([
    { type: 'choices', text: 'Which?', items: ['Red', 'Blue'], tail: '' },
    { type: 'news', title: 'Sale', description: '', url: 'https://a.example', picture_url: null },
  ])('keeps a $type as it was made', (card) => {
    const text = keptForm([{ ...one, said: card }])
    expect(restored(text, NOW)[0]?.said).toEqual(card)
    expect(restored(text?.replace(/"(url|items)":/, '"no":') ?? '', NOW)).toEqual([])
  })

  it('sends nothing by itself that waited for half a day', () => {
    const [late] = restored(keptForm([one]), NOW + 13 * 3600_000)
    expect(late?.state).toBe('failed')
    expect(late?.problem?.code).toBe('workbench.kept_too_long')
  })

  it('keeps nothing that was refused and nothing that is no text', () => {
    const picture: Pending = { ...one, said: { type: 'image', attachmentId: 'a' } }
    expect(keptForm([picture, ...failed([two], 'k2', new Problem('x', 409))])).toBeNull()
  })

  it.each([null, '', 'nonsense', '{}', '[1]', '[{"key": 1}]'])('bears %s', (text) => {
    expect(restored(text, NOW)).toEqual([])
  })
})
