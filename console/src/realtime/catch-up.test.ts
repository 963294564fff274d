import { describe, expect, it } from 'vitest'

import { NOWHERE, noteSnapshot, type Place, receive } from './catch-up'
import { type Fact, readMessage } from './messages'

const fact = (seq: number): Fact => ({ seq, topic: 't', object_id: 'o', version: seq, payload: {} })
const facts = (cursor: string, ...seqs: number[]) =>
  ({ type: 'facts', cursor, facts: seqs.map(fact) }) as const
const at = (seq: number, epoch = 'e'): Place => ({ cursor: { epoch, seq }, snapshot: null })
const seqs = (step: { facts: Fact[] }) => step.facts.map((each) => each.seq)

describe('catching up', () => {
  it('begins where the first hello says', () => {
    expect(receive(NOWHERE, { type: 'hello', cursor: 'e:7' })).toEqual({
      place: at(7),
      facts: [],
      resync: false,
    })
  })

  it('takes facts once and in order, also when some come again', () => {
    const first = receive(at(7), facts('e:9', 9, 8))
    expect(seqs(first)).toEqual([8, 9])
    const again = receive(first.place, facts('e:10', 8, 9, 10))
    expect(seqs(again)).toEqual([10])
    expect(again.place).toEqual(at(10))
  })

  it('moves on over facts that the person may not see', () => {
    expect(receive(at(7), facts('e:20')).place).toEqual(at(20))
  })

  it('never moves back', () => {
    expect(receive(at(20), facts('e:7', 7)).place).toEqual(at(20))
  })

  it('keeps its own place when the server greets it again', () => {
    const step = receive(at(7), { type: 'hello', cursor: 'e:12' })
    expect(step).toEqual({ place: at(7), facts: [], resync: false })
  })

  it('reads everything again when the log is another one', () => {
    expect(receive(at(7), { type: 'hello', cursor: 'f:2' })).toMatchObject({
      resync: true,
      place: at(2, 'f'),
    })
    expect(receive(at(7), facts('f:9', 9))).toMatchObject({ resync: true, facts: [] })
  })

  it('reads everything again when the server says so', () => {
    const step = receive(at(7), { type: 'resync', cursor: 'e:900', reason: 'cut' })
    expect(step).toEqual({ place: at(900), facts: [], resync: true })
  })

  it('notices that a snapshot is older than the first word of the socket', () => {
    const early = noteSnapshot(NOWHERE, { epoch: 'e', seq: 5 })
    expect(receive(early, { type: 'hello', cursor: 'e:6' }).resync).toBe(true)
    expect(receive(early, { type: 'hello', cursor: 'e:5' }).resync).toBe(false)
  })

  it('judges several early snapshots by the oldest', () => {
    const later = noteSnapshot(NOWHERE, { epoch: 'e', seq: 9 })
    expect(noteSnapshot(later, { epoch: 'e', seq: 5 }).snapshot?.seq).toBe(5)
    expect(noteSnapshot(at(7), { epoch: 'e', seq: 1 })).toEqual(at(7))
  })
})

describe('a message of the socket', () => {
  it('is read if it is known, and left alone otherwise', () => {
    expect(readMessage('{"type":"pong"}')).toEqual({ type: 'pong' })
    expect(readMessage('{"type":"hello","cursor":"e:1"}')).toEqual({ type: 'hello', cursor: 'e:1' })
    expect(readMessage('{"type":"news","cursor":"e:1"}')).toBeNull()
    expect(readMessage('not JSON')).toBeNull()
    expect(readMessage(new ArrayBuffer(1))).toBeNull()
  })

  it('keeps only well-formed facts', () => {
    const text = JSON.stringify({
      type: 'facts',
      cursor: 'e:2',
      facts: [fact(2), { seq: 'x' }, null],
    })
    expect(readMessage(text)).toMatchObject({ facts: [fact(2)] })
  })
})
