import { ref, watch } from 'vue'

import { answered, once } from '@/api/client'
import { asProblem, Problem } from '@/api/problems'
import type { Conversation, Message, Saying } from '@/api/types'
import { backoffMs } from '@/lib/backoff'
import { freshKey } from '@/lib/ids'
import { recall, remember } from '@/lib/storage'

import { keptForm, outboxKey, restored } from '../keeping'
import {
  arrived,
  attachmentOf,
  type Card,
  failed,
  held,
  nextIn,
  type Pending,
  type Said,
  sending,
  settled,
} from '../outbox'
import { withMessage } from '../replica'
import type { Attachments } from './attachments'
import type { Context } from './context'

/**
 * The outbox: each thread's messages go out one after the other, in the order in which they were said, each under one
 * key. What cannot get through waits, and goes on when the server is there again.
 */
export function openSending({ client, replica, me, offline }: Context, attachments: Attachments) {
  const pending = ref<Pending[]>([])
  let timer: ReturnType<typeof setTimeout> | undefined
  let misses = 0

  /** Say something to the customer: the files first, then the words. */
  function say(conversation: Conversation, pictures: readonly string[], words: string): void {
    const all: Said[] = pictures.map((attachmentId) => ({
      type: attachments.find(attachmentId)?.kind ?? 'file',
      attachmentId,
    }))
    if (words !== '') all.push({ type: 'text', text: words })
    for (const id of pictures) attachments.markSent(id)
    pending.value = [...pending.value, ...all.map((said) => pendingOf(conversation, said))]
    push(conversation.thread_id)
  }

  /** Ask the customer a question with choices, or show them a card. */
  function present(conversation: Conversation, card: Card): void {
    pending.value = [...pending.value, pendingOf(conversation, card)]
    push(conversation.thread_id)
  }

  /** Send what is next in a thread. While the server seems out of reach only the timer tries (`knock`). */
  function push(threadId: string, knock = false): void {
    const one = nextIn(pending.value, threadId)
    if (one === null) return
    if (offline.value && !knock) {
      schedule()
      return
    }
    if (isBeyondHelp(one)) {
      advance(knock)
      return
    }
    const content = contentOf(one)
    if (content !== null) void carry(one, content)
  }

  /** Whether its file was refused; then the message is a person's to decide. */
  function isBeyondHelp({ key, said }: Pending): boolean {
    const file = attachmentOf(said)
    const picture = file === null ? undefined : attachments.find(file)
    if (picture?.state !== 'failed' || picture.problem?.isPassing === true) return false
    pending.value = failed(pending.value, key, picture.problem ?? new Problem('core.failed', 500))
    return true
  }

  /** What the server takes; null while a file is not there yet. */
  function contentOf({ said }: Pending): Saying | null {
    if (!('attachmentId' in said)) return said
    const uploadId = attachments.find(said.attachmentId)?.uploadId
    return uploadId ? { type: said.type, upload_id: uploadId } : null
  }

  async function carry(one: Pending, content: Saying): Promise<void> {
    if (await deliver(one, content)) push(one.threadId)
  }

  /** Return whether the next one may go: false while this one has to be tried again. */
  async function deliver(
    { key, conversationId, said }: Pending,
    content: Saying,
  ): Promise<boolean> {
    pending.value = sending(pending.value, key)
    try {
      const path = '/api/conversations/{conversation_id}/messages'
      const params = { path: { conversation_id: conversationId } }
      const call = { params, headers: once(key), body: { content } }
      const message = await answered(client.POST(path, call))
      replica.value = withMessage(replica.value, message)
      misses = 0
      settle(key, said)
    } catch (error) {
      const problem = asProblem(error)
      if (problem.isPassing) {
        later(key, problem)
        return false
      }
      // What is done already comes by the socket.
      if (problem.isAlreadyDone) settle(key, said)
      else pending.value = failed(pending.value, key, problem)
    }
    return true
  }

  function settle(key: string, said: Said): void {
    pending.value = settled(pending.value, key)
    const file = attachmentOf(said)
    if (file !== null) attachments.drop(file)
  }

  function later(key: string, problem: Problem): void {
    pending.value = held(pending.value, key, problem)
    schedule()
  }

  function schedule(): void {
    if (timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        misses += 1
        flush(true)
      },
      backoffMs(misses, Math.random()),
    )
  }

  /** Go on wherever something waits, also with files whose way broke off. */
  function flush(knock = false): void {
    attachments.resume()
    advance(knock)
  }

  function advance(knock = false): void {
    const threads = new Set(pending.value.map((each) => each.threadId))
    for (const threadId of threads) push(threadId, knock)
  }

  /** An upload came to its end, one way or the other. */
  function uploaded(): void {
    if (attachments.hasBroken()) schedule()
    advance()
  }

  function retry({ key, threadId, said }: Pending): void {
    const file = attachmentOf(said)
    if (file !== null) attachments.again(file)
    pending.value = held(pending.value, key, null)
    push(threadId, true)
  }

  function discard({ key, threadId, said }: Pending): void {
    settle(key, said)
    push(threadId)
  }

  /** Begin anew for another person, with what the browser kept for them. */
  function begin(): void {
    clearTimeout(timer)
    timer = undefined
    pending.value = me.value === '' ? [] : restored(recall(outboxKey(me.value)), Date.now())
    flush()
  }

  watch(offline, (now) => {
    if (now) return
    misses = 0
    flush()
  })
  watch(pending, (now) => {
    if (me.value !== '') remember(outboxKey(me.value), keptForm(now))
  })

  return {
    pending,
    say,
    present,
    retry,
    discard,
    uploaded,
    begin,
    noteArrival: (message: Message) => {
      pending.value = arrived(pending.value, message, me.value)
    },
  }
}

function pendingOf(conversation: Conversation, said: Said): Pending {
  return {
    key: freshKey(),
    conversationId: conversation.id,
    threadId: conversation.thread_id,
    said,
    at: new Date().toISOString(),
    state: 'waiting',
    problem: null,
    arrived: false,
  }
}
