import { backoffMs } from '@/lib/backoff'

import { NOWHERE, noteSnapshot, type Place, receive } from './catch-up'
import { formatCursor, parseCursor } from './cursor'
import { type Fact, type FromServer, readMessage, type ToServer } from './messages'

const PING_EVERY_MS = 15_000
const SILENCE_MS = 40_000
const OPEN_WITHIN_MS = 10_000
const SIGNED_OUT = 4401

/** The part of a browser's WebSocket that is used. */
export interface Socket {
  send: (text: string) => void
  close: () => void
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
}

export type Mark = 'connecting' | 'live' | 'waiting'

export interface Listener {
  mark: (mark: Mark, retryAt: number | null) => void
  facts: (facts: Fact[]) => void
  resync: () => void
  signedOut: () => void
}

export interface World {
  open: (path: string) => Socket
  now: () => number
  chance: () => number
}

/** One socket that lives as long as somebody is signed in: it reconnects, catches up, and misses nothing. */
export class Connection {
  private socket: Socket | null = null
  private place: Place = NOWHERE
  private attempt = 0
  private workbench = false
  private heardAt = 0
  private running = false
  /** What was missed is still coming: the server answers a ping after it. */
  private catchingUp = false
  private retry: ReturnType<typeof setTimeout> | undefined
  private beat: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly listener: Listener,
    private readonly world: World,
  ) {}

  start(): void {
    if (this.running) return
    this.running = true
    this.beat = setInterval(() => this.keepAlive(), PING_EVERY_MS)
    this.connect()
  }

  stop(): void {
    this.running = false
    clearTimeout(this.retry)
    clearInterval(this.beat)
    this.dropSocket()
    this.place = NOWHERE
    this.attempt = 0
    this.workbench = false
  }

  /** Try at once: the network came back, or a person asked for it. */
  hurry(): void {
    if (!this.running || this.socket !== null) return
    this.attempt = 0
    this.connect()
  }

  /** The browser says that the network is gone; the socket may not notice for a long time. */
  networkLost(): void {
    if (this.socket !== null) this.lost(this.socket)
  }

  /** From now on, also after each reconnect, the server knows that this person sits at the workbench. */
  enterWorkbench(): void {
    if (this.workbench) return
    this.workbench = true
    this.say({ type: 'presence', workbench: true })
  }

  /** A view read a snapshot that is complete up to `cursor`. */
  noteSnapshot(cursor: string): void {
    const at = parseCursor(cursor)
    if (at !== null) this.place = noteSnapshot(this.place, at)
  }

  private connect(): void {
    clearTimeout(this.retry)
    this.dropSocket()
    this.listener.mark('connecting', null)
    const from = this.place.cursor
    const query = from === null ? '' : `?cursor=${encodeURIComponent(formatCursor(from))}`
    const socket = this.world.open(`/api/socket${query}`)
    this.socket = socket
    this.retry = setTimeout(() => this.lost(socket), OPEN_WITHIN_MS)
    socket.onopen = () => this.opened()
    socket.onmessage = (event) => this.heard(event.data)
    socket.onclose = (event) => this.closed(socket, event.code)
  }

  private opened(): void {
    this.heardAt = this.world.now()
    if (this.workbench) this.say({ type: 'presence', workbench: true })
  }

  private heard(data: unknown): void {
    this.heardAt = this.world.now()
    const message = readMessage(data)
    if (message === null) return
    this.settle(message.type)
    const step = receive(this.place, message)
    this.place = step.place
    if (step.resync) this.listener.resync()
    if (step.facts.length > 0) this.listener.facts(step.facts)
  }

  private settle(type: FromServer['type']): void {
    if (type === 'hello' || type === 'resync') {
      clearTimeout(this.retry)
      this.attempt = 0
      this.catchingUp = true
      this.say({ type: 'ping' })
    } else if (type === 'pong' && this.catchingUp) {
      this.catchingUp = false
      this.listener.mark('live', null)
    }
  }

  private closed(socket: Socket, code: number): void {
    if (socket !== this.socket) return
    if (code === SIGNED_OUT) {
      this.stop()
      this.listener.signedOut()
    } else {
      this.lost(socket)
    }
  }

  private lost(socket: Socket): void {
    if (socket !== this.socket || !this.running) return
    this.dropSocket()
    const wait = backoffMs(this.attempt, this.world.chance())
    this.attempt += 1
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.connect(), wait)
    this.listener.mark('waiting', this.world.now() + wait)
  }

  private keepAlive(): void {
    const socket = this.socket
    if (socket === null) return
    // A dead network closes nothing by itself: silence is the only sign.
    if (this.heardAt > 0 && this.world.now() - this.heardAt > SILENCE_MS) this.lost(socket)
    else this.say({ type: 'ping' })
  }

  private say(message: ToServer): void {
    try {
      this.socket?.send(JSON.stringify(message))
    } catch {
      // Not open yet or no longer: `opened` says what matters again.
    }
  }

  private dropSocket(): void {
    const socket = this.socket
    this.socket = null
    this.heardAt = 0
    this.catchingUp = false
    if (socket === null) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }
}
