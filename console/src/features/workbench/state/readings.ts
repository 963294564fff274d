import { reactive } from 'vue'

import { answered } from '@/api/client'
import { asProblem, Problem } from '@/api/problems'
import type { ConversationState, Scope } from '@/api/types'

import { withConversations, withoutForgotten, withPage } from '../replica'
import type { Context } from './context'

const CONVERSATIONS_PAGE = 50
const MESSAGES_PAGE = 50

export const SCOPES: readonly Scope[] = ['mine', 'queue', 'all']

export interface Loading {
  state: 'idle' | 'loading' | 'ready' | 'failed'
  problem: Problem | null
}

interface ListLoading extends Loading {
  cursor: string | null
}

type ListKey = `${Scope}:${ConversationState}`

/** What was read from the server, how far, and how to read it again. */
export function openReadings({ client, replica, noteSnapshot }: Context) {
  const lists = reactive(new Map<ListKey, ListLoading>())
  const threads = reactive(new Map<string, Loading>())

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
      noteSnapshot(page.event_cursor)
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
    noteSnapshot(found.event_cursor)
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
      noteSnapshot(page.event_cursor)
      const read = { items: page.items, hasOlder: page.has_older }
      replica.value = withPage(replica.value, threadId, read)
      threads.set(threadId, { state: 'ready', problem: null })
    } catch (error) {
      threads.set(threadId, { state: 'failed', problem: asProblem(error) })
    }
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

  function forget(): void {
    lists.clear()
    threads.clear()
  }

  return { threads, loadingOf, loadList, loadConversation, loadMessages, resync, forget }
}

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
