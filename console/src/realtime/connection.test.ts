import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Connection, type Mark, type Socket } from './connection'
import type { Fact } from './messages'

class FakeSocket implements Socket {
  sent: string[] = []
  closed = false
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null

  constructor(readonly path: string) {}

  send(text: string): void {
    this.sent.push(text)
  }

  close(): void {
    this.closed = true
  }

  hear(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
}

function world() {
  const sockets: FakeSocket[] = []
  const marks: Mark[] = []
  const heard: Fact[] = []
  const counts = { resync: 0, signedOut: 0 }
  const connection = new Connection(
    {
      mark: (mark) => marks.push(mark),
      facts: (facts) => heard.push(...facts),
      resync: () => (counts.resync += 1),
      signedOut: () => (counts.signedOut += 1),
    },
    {
      open: (path) => {
        const socket = new FakeSocket(path)
        sockets.push(socket)
        return socket
      },
      now: () => Date.now(),
      chance: () => 0,
    },
  )
  const newest = () => {
    const socket = sockets.at(-1)
    if (socket === undefined) throw new Error('no socket')
    return socket
  }
  const greet = (cursor: string) => {
    newest().onopen?.()
    newest().hear({ type: 'hello', cursor })
  }
  return { connection, sockets, marks, heard, counts, newest, greet }
}

describe('the connection', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('comes back with its cursor and says again that somebody is at the workbench', () => {
    const { connection, newest, greet, marks } = world()
    connection.start()
    expect(newest().path).toBe('/api/socket')
    greet('e:4')
    connection.enterWorkbench()
    newest().hear({
      type: 'facts',
      cursor: 'e:9',
      facts: [{ seq: 9, topic: 't', object_id: 'o', version: 1, payload: {} }],
    })
    newest().onclose?.({ code: 1006 })
    vi.advanceTimersByTime(1_000)
    expect(newest().path).toBe('/api/socket?cursor=e%3A9')
    greet('e:9')
    expect(newest().sent).toContain('{"type":"presence","workbench":true}')
    expect(marks.at(-1)).toBe('connecting')
    newest().hear({ type: 'pong' })
    expect(marks.at(-1)).toBe('live')
  })

  it('is up to date only once everything that was missed is there', () => {
    const { connection, newest, greet, marks, heard } = world()
    connection.start()
    greet('e:4')
    expect(newest().sent).toEqual(['{"type":"ping"}'])
    newest().hear({
      type: 'facts',
      cursor: 'e:5',
      facts: [{ seq: 5, topic: 't', object_id: 'o', version: 1, payload: {} }],
    })
    expect(marks).not.toContain('live')
    newest().hear({ type: 'pong' })
    expect(heard).toHaveLength(1)
    expect(marks.at(-1)).toBe('live')
  })

  it('gives up on a socket that stays silent', () => {
    const { connection, sockets, greet } = world()
    connection.start()
    greet('e:1')
    vi.advanceTimersByTime(60_000)
    expect(sockets[0]?.closed).toBe(true)
    expect(sockets.length).toBeGreaterThan(1)
  })

  it('stays with one that answers its pings', () => {
    const { connection, sockets, newest, greet } = world()
    connection.start()
    greet('e:1')
    for (let beat = 0; beat < 10; beat += 1) {
      vi.advanceTimersByTime(15_000)
      newest().hear({ type: 'pong' })
    }
    expect(sockets).toHaveLength(1)
    expect(newest().sent.filter((text) => text.includes('ping'))).toHaveLength(11)
  })

  it('waits longer after each failure', () => {
    const { connection, sockets, newest } = world()
    connection.start()
    for (let failure = 0; failure < 5; failure += 1) {
      newest().onclose?.({ code: 1006 })
      vi.advanceTimersByTime(250 * 2 ** failure - 1)
      expect(sockets).toHaveLength(failure + 1)
      vi.advanceTimersByTime(1)
      expect(sockets).toHaveLength(failure + 2)
    }
  })

  it('ends when the session has ended', () => {
    const { connection, sockets, newest, counts } = world()
    connection.start()
    newest().onclose?.({ code: 4401 })
    vi.advanceTimersByTime(60_000)
    expect(counts.signedOut).toBe(1)
    expect(sockets).toHaveLength(1)
  })

  it('hears nothing of a socket that it has left', () => {
    const { connection, sockets, greet, heard } = world()
    connection.start()
    greet('e:1')
    connection.stop()
    expect(sockets[0]?.onmessage).toBeNull()
    expect(heard).toEqual([])
  })
})
