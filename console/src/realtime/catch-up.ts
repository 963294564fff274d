import { type Cursor, parseCursor } from './cursor'
import type { Fact, FromServer } from './messages'

/** What a client knows about its place in the log. Both are null until something was read. */
export interface Place {
  cursor: Cursor | null
  /** The oldest snapshot taken before the socket said where the log stands. */
  snapshot: Cursor | null
}

export interface Step {
  place: Place
  /** The facts that are new to this client, in order. */
  facts: Fact[]
  /** Snapshots may miss something: everything that was read has to be read again. */
  resync: boolean
}

export const NOWHERE: Place = { cursor: null, snapshot: null }

/** A snapshot was read that is complete up to `at`. Only the ones before the first word of the socket matter. */
export function noteSnapshot(place: Place, at: Cursor): Place {
  if (place.cursor !== null) return place
  const older =
    place.snapshot === null || place.snapshot.epoch !== at.epoch || at.seq < place.snapshot.seq
  return older ? { ...place, snapshot: at } : place
}

/** Take in one message of the server: move the place, and return what is new. */
export function receive(place: Place, message: FromServer): Step {
  switch (message.type) {
    case 'hello':
      return greeted(place, parseCursor(message.cursor))
    case 'facts':
      return caughtUp(place, parseCursor(message.cursor), message.facts)
    case 'resync':
      return {
        place: { cursor: parseCursor(message.cursor), snapshot: null },
        facts: [],
        resync: true,
      }
    case 'pong':
      return { place, facts: [], resync: false }
  }
}

function greeted(place: Place, at: Cursor | null): Step {
  if (at === null) return { place, facts: [], resync: false }
  const known = place.cursor ?? place.snapshot
  // With a cursor of ours the server sends what followed, and hello repeats that cursor. A snapshot older than the
  // first hello, or another epoch, leaves a gap that nothing would fill.
  const gap =
    known !== null && (known.epoch !== at.epoch || (place.cursor === null && known.seq < at.seq))
  const cursor = place.cursor !== null && place.cursor.epoch === at.epoch ? place.cursor : at
  return { place: { cursor, snapshot: null }, facts: [], resync: gap }
}

function caughtUp(place: Place, to: Cursor | null, facts: Fact[]): Step {
  if (to === null) return { place, facts: [], resync: false }
  const from = place.cursor
  if (from === null) return { place: { cursor: to, snapshot: null }, facts, resync: false }
  if (from.epoch !== to.epoch) {
    return { place: { cursor: to, snapshot: null }, facts: [], resync: true }
  }
  const fresh = facts.filter((fact) => fact.seq > from.seq).sort((a, b) => a.seq - b.seq)
  const seq = Math.max(from.seq, to.seq)
  return {
    place: { cursor: { epoch: to.epoch, seq }, snapshot: null },
    facts: fresh,
    resync: false,
  }
}
