import { defineStore } from 'pinia'
import { computed, reactive, ref, shallowRef, watch } from 'vue'

import { answered, once } from '@/api/client'
import { asProblem, Problem } from '@/api/problems'
import { useSession } from '@/api/session'
import type { Conversation, ConversationState, Scope } from '@/api/types'
import { isMessage } from '@/api/guards'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

import { arrived, failed, type Pending, sending, settled } from './outbox'
import {
  EMPTY,
  listed,
  type Replica,
  withConversations,
  withFact,
  withMessage,
  withoutForgotten,
  withPage,
} from './replica'

const CONVERSATIONS_PAGE = 50
const MESSAGES_PAGE = 50

export interface Loading {
  state: 'idle' | 'loading' | 'ready' | 'failed'
  problem: Problem | null
}

interface ListLoading extends Loading {
  cursor: string | null
}

type ListKey = `${Scope}:${ConversationState}`

/** The conversations and messages that this page holds: read once, kept true by facts. */
export const useWorkbench = defineStore('workbench', () => {
  const session = useSession()
  const realtime = useRealtime()
  const { client } = session

  const replica = shallowRef<Replica>(EMPTY)
  const pending = ref<Pending[]>([])
  const lists = reactive(new Map<ListKey, ListLoading>())
  const threads = reactive(new Map<string, Loading>())
  const scope = ref<Scope>('mine')
  const state = ref<ConversationState>('open')

  const me = computed(() => session.me?.id ?? '')
  const unread = computed(() =>
    listed(replica.value, { scope: 'mine', state: 'open', me: me.value }).reduce(
      (sum, conversation) => sum + conversation.unread,
      0,
    ),
  )

  function list(of: Scope, as: ConversationState): Conversation[] {
    return listed(replica.value, { scope: of, state: as, me: me.value })
  }

  function loadingOf(of: Scope, as: ConversationState): ListLoading {
    return lists.get(`${of}:${as}`) ?? { state: 'idle', problem: null, cursor: null }
  }

  /** Read a list's first page, or its next one. */
  async function loadList(of: Scope, as: ConversationState, more = false): Promise<void> {
    const before = loadingOf(of, as)
    if (before.state === 'loading' || (!more && before.state === 'ready')) return
    if (more && before.cursor === null) return
    await readPage(of, as, more ? before.cursor : null)
  }

  /** Return the ids of the page that was read; none if it could not be. */
  async function readPage(
    of: Scope,
    as: ConversationState,
    cursor: string | null,
  ): Promise<string[]> {
    const key: ListKey = `${of}:${as}`
    lists.set(key, { state: 'loading', problem: null, cursor })
    const from = cursor === null ? {} : { cursor }
    const query = { scope: of, state: as, limit: CONVERSATIONS_PAGE, ...from }
    try {
      const page = await answered(client.GET('/api/conversations', { params: { query } }))
      realtime.noteSnapshot(page.event_cursor)
      replica.value = withConversations(replica.value, page.items)
      lists.set(key, { state: 'ready', problem: null, cursor: page.next_cursor ?? null })
      return page.items.map((each) => each.id)
    } catch (error) {
      lists.set(key, { state: 'failed', problem: asProblem(error), cursor })
      return []
    }
  }

  /** Read one conversation that no list brought. Throws a Problem. */
  async function loadConversation(id: string): Promise<void> {
    if (!replica.value.conversations.has(id)) await readConversation(id)
  }

  async function readConversation(id: string): Promise<void> {
    const params = { path: { conversation_id: id } }
    const found = await answered(client.GET('/api/conversations/{conversation_id}', { params }))
    realtime.noteSnapshot(found.event_cursor)
    replica.value = withConversations(replica.value, [found])
  }

  /** Read the newest messages of a thread, or the ones before those that are there. */
  async function loadMessages(threadId: string, older = false): Promise<void> {
    const known = replica.value.threads.get(threadId)
    if (threads.get(threadId)?.state === 'loading' || (older && known?.hasOlder !== true)) return
    threads.set(threadId, { state: 'loading', problem: null })
    const first = known?.messages[0]
    const query = { limit: MESSAGES_PAGE, ...(older && first ? { before: first.seq } : {}) }
    try {
      const params = { path: { thread_id: threadId }, query }
      const page = await answered(client.GET('/api/threads/{thread_id}/messages', { params }))
      realtime.noteSnapshot(page.event_cursor)
      const read = { items: page.items, hasOlder: page.has_older }
      replica.value = withPage(replica.value, threadId, read)
      threads.set(threadId, { state: 'ready', problem: null })
    } catch (error) {
      threads.set(threadId, { state: 'failed', problem: asProblem(error) })
    }
  }

  /** Say something to the customer. It is seen at once; the server's word replaces it. */
  async function reply(conversation: Conversation, text: string): Promise<void> {
    await deliver({
      key: freshKey(),
      conversationId: conversation.id,
      threadId: conversation.thread_id,
      text,
      at: new Date().toISOString(),
      problem: null,
    })
  }

  async function deliver(one: Pending): Promise<void> {
    pending.value = sending(pending.value, one)
    try {
      const message = await answered(
        client.POST('/api/conversations/{conversation_id}/messages', {
          params: { path: { conversation_id: one.conversationId } },
          headers: once(one.key),
          body: { content: { type: 'text', text: one.text } },
        }),
      )
      pending.value = settled(pending.value, one.key)
      replica.value = withMessage(replica.value, message)
    } catch (error) {
      const problem = asProblem(error)
      pending.value = problem.isAlreadyDone
        ? settled(pending.value, one.key) // the socket brings the message itself
        : failed(pending.value, one.key, problem)
    }
  }

  function discard(key: string): void {
    pending.value = settled(pending.value, key)
  }

  async function markRead(conversation: Conversation, seq: number): Promise<void> {
    const params = { path: { conversation_id: conversation.id } }
    const headers = once(freshKey())
    await client.POST('/api/conversations/{conversation_id}/read', {
      params,
      headers,
      body: { seq },
    })
  }

  async function end(conversation: Conversation, key: string): Promise<void> {
    const params = { path: { conversation_id: conversation.id } }
    const path = '/api/conversations/{conversation_id}/end'
    const ended = await answered(client.POST(path, { params, headers: once(key) }))
    replica.value = withConversations(replica.value, [ended])
  }

  async function take(conversation: Conversation, key: string): Promise<void> {
    const params = { path: { conversation_id: conversation.id } }
    const path = '/api/conversations/{conversation_id}/take'
    const taken = await answered(client.POST(path, { params, headers: once(key) }))
    replica.value = withConversations(replica.value, [taken])
  }

  /**
   * The log was cut: what is there may be old. Everything that was read is read again while the old stays on the
   * screen, and what did not come back goes.
   */
  async function resync(): Promise<void> {
    const before = replica.value
    const seen = new Set<string>()
    const opened = [...before.conversations.values()].filter((each) =>
      before.threads.has(each.thread_id),
    )
    await Promise.all([
      ...wantedLists().map(async ([of, as]) => {
        for (const id of await readPage(of, as, null)) seen.add(id)
      }),
      ...opened.map(async ({ id, thread_id: threadId }) => {
        if (await reads(readConversation(id))) seen.add(id)
        await loadMessages(threadId)
      }),
    ])
    replica.value = withoutForgotten(replica.value, before, seen)
  }

  function wantedLists(): [Scope, ConversationState][] {
    const all = SCOPES.flatMap((of): [Scope, ConversationState][] => [
      [of, 'open'],
      [of, 'closed'],
    ])
    return all.filter(([of, as]) => lists.has(`${of}:${as}`))
  }

  realtime.subscribe({
    fact: (fact) => {
      if (fact.topic === 'message.added' && isMessage(fact.payload)) {
        pending.value = arrived(pending.value, fact.payload, me.value)
      }
      replica.value = withFact(replica.value, fact)
    },
    resync: () => void resync(),
  })

  watch(me, () => {
    replica.value = EMPTY
    pending.value = []
    lists.clear()
    threads.clear()
    scope.value = 'mine'
    state.value = 'open'
  })

  return {
    me,
    replica,
    pending,
    threads,
    scope,
    state,
    unread,
    list,
    loadingOf,
    loadList,
    loadConversation,
    loadMessages,
    reply,
    retry: deliver,
    discard,
    markRead,
    end,
    take,
  }
})

export const SCOPES: readonly Scope[] = ['mine', 'queue', 'all']

/** Whether it worked; what did not may have become somebody else's. */
async function reads(reading: Promise<void>): Promise<boolean> {
  try {
    await reading
    return true
  } catch (error) {
    if (error instanceof Problem) return false
    throw error
  }
}
