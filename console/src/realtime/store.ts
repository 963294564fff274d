import { defineStore } from 'pinia'
import { ref } from 'vue'

import { useSession } from '@/api/session'

import { Connection, type Mark, type Socket } from './connection'
import type { Fact } from './messages'

export interface Subscriber {
  fact: (fact: Fact) => void
  resync: () => void
}

/** The one socket of the page, and who listens to it. */
export const useRealtime = defineStore('realtime', () => {
  const session = useSession()
  const mark = ref<Mark>('connecting')
  const retryAt = ref<number | null>(null)
  const subscribers = new Set<Subscriber>()

  const connection = new Connection(
    {
      mark: (now, at) => {
        mark.value = now
        retryAt.value = at
      },
      facts: (facts) => {
        for (const fact of facts) for (const subscriber of subscribers) subscriber.fact(fact)
      },
      resync: () => {
        for (const subscriber of subscribers) subscriber.resync()
      },
      signedOut: () => session.forget(),
    },
    { open: openSocket, now: () => Date.now(), chance: () => Math.random() },
  )

  /** Hear every fact from now on. Returns the way to stop. */
  function subscribe(subscriber: Subscriber): () => void {
    subscribers.add(subscriber)
    return () => subscribers.delete(subscriber)
  }

  return {
    mark,
    retryAt,
    subscribe,
    start: () => connection.start(),
    stop: () => connection.stop(),
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
