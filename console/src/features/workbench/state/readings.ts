import { reactive } from 'vue'

import { answered } from '@/api/client'
import { asProblem, Problem } from '@/api/problems'
import type { ConversationState, Scope } from '@/api/types'

import { outdated, withConversations, withoutOutdated, withPage } from '../replica'
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

  async function readPage(of: Scope, as: ConversationState, cursor: string | null): Promise<void> {
    const key: ListKey = `${of}:${as}`
    lists.set(key, { state: 'loading', problem: null, cursor })
    const from = cursor === null ? {} : { cursor }
    const query = { scope: of, state: as, limit: CONVERSATIONS_PAGE, ...from }
    try {
      const page = await answered(client.GET('/api/conversations', { params: { query } }))
      noteSnapshot(page.event_cursor)
      replica.value = withConversations(replica.value, page.items)
      lists.set(key, { state: 'ready', problem: null, cursor: page.next_cursor ?? null })
    } catch (error) {
      lists.set(key, { state: 'failed', problem: asProblem(error), cursor })
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
   * The log was cut, or something changed that no fact tells whole: what is there may be old. Everything that was read is read again while the old stays on the
   * screen, and what did not come back goes.
   */
  async function resync(): Promise<void> {
    replica.value = outdated(replica.value)
    const { conversations, threads: known } = replica.value
    const opened = [...conversations.values()].filter((each) => known.has(each.thread_id))
    await Promise.all([
      ...wantedLists().map(([of, as]) => readPage(of, as, null)),
      ...opened.map(async ({ id, thread_id: threadId }) => {
        await ifKnown(readConversation(id))
        await loadMessages(threadId)
      }),
    ])
    replica.value = withoutOutdated(replica.value)
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

/** Wait for a reading; what could not be read may have become somebody else's. */
async function ifKnown(reading: Promise<void>): Promise<void> {
  try {
    await reading
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
}
