import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { useSession } from '@/api/session'

import { Connection, type Mark, type Socket } from './connection'
import type { Fact } from './messages'

export interface Subscriber {
  fact: (fact: Fact) => void
  /** Read everything again. What it returns is waited for before the page counts as up to date. */
  resync: () => Promise<void>
}

/** The one socket of the page, and who listens to it. */
export const useRealtime = defineStore('realtime', () => {
  const session = useSession()
  const line = ref<Mark>('connecting')
  const readings = ref(0)
  /** Where the page stands; `live` only once everything that was missed is there. */
  const mark = computed(() =>
    line.value === 'live' && readings.value > 0 ? 'connecting' : line.value,
  )
  /** Whether the server is out of reach: from the loss of the line until what was missed is there. */
  const offline = ref(false)
  const retryAt = ref<number | null>(null)
  const subscribers = new Set<Subscriber>()

  const connection = new Connection(
    {
      mark: (now, at) => {
        line.value = now
        if (now !== 'connecting') offline.value = now === 'waiting'
        retryAt.value = at
      },
      facts: (facts) => {
        for (const fact of facts) for (const subscriber of subscribers) subscriber.fact(fact)
      },
      resync: () => {
        for (const subscriber of subscribers) void reading(subscriber.resync())
      },
      signedOut: () => session.forget(),
    },
    { open: openSocket, now: () => Date.now(), chance: () => Math.random() },
  )

  async function reading(again: Promise<void>): Promise<void> {
    readings.value += 1
    try {
      await again
    } finally {
      readings.value -= 1
    }
  }

  /** Hear every fact from now on. Returns the way to stop. */
  function subscribe(subscriber: Subscriber): () => void {
    subscribers.add(subscriber)
    return () => subscribers.delete(subscriber)
  }

  return {
    mark,
    offline,
    retryAt,
    subscribe,
    start: () => connection.start(),
    stop: () => {
      connection.stop()
      offline.value = false
    },
    hurry: () => connection.hurry(),
    networkLost: () => connection.networkLost(),
    enterWorkbench: () => connection.enterWorkbench(),
    noteSnapshot: (cursor: string | null | undefined) => {
      if (cursor) connection.noteSnapshot(cursor)
    },
  }
})

function openSocket(path: string): Socket {
  const { protocol, host } = window.location
  const socket = new WebSocket(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}${path}`)
  const adapted: Socket = {
    send: (text) => socket.send(text),
    close: () => socket.close(),
    onopen: null,
    onmessage: null,
    onclose: null,
  }
  socket.onopen = () => adapted.onopen?.()
  socket.onmessage = (event) => adapted.onmessage?.({ data: event.data })
  socket.onclose = (event) => adapted.onclose?.({ code: event.code })
  return adapted
}
