import { answered, once } from '@/api/client'
import type { Conversation, Message } from '@/api/types'
import { freshKey } from '@/lib/ids'

import { withConversations, withMessage } from '../replica'
import type { Context } from './context'

/** What a person can do with conversations and messages. `key` makes it safe to do it again. All throw a Problem. */
export function openCommands({ client, replica }: Context) {
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

  async function takeOver(conversation: Conversation, key: string): Promise<void> {
    const params = { path: { conversation_id: conversation.id } }
    const path = '/api/conversations/{conversation_id}/take'
    const taken = await answered(client.POST(path, { params, headers: once(key) }))
    replica.value = withConversations(replica.value, [taken])
  }

  /** The copy is looked up only now: it may have changed while the server was asked. */
  function take(message: Message): void {
    replica.value = withMessage(replica.value, message)
  }

  /** Send a message anew that did not go through, or that a person decided did not arrive. */
  async function resend(message: Message, key: string): Promise<void> {
    const params = { path: { message_id: message.id } }
    const path = '/api/messages/{message_id}/resend'
    take(await answered(client.POST(path, { params, headers: once(key) })))
  }

  /** Leave a message as it is, of which nobody knows whether it arrived. */
  async function leave(message: Message, key: string): Promise<void> {
    const params = { path: { message_id: message.id } }
    const path = '/api/messages/{message_id}/leave'
    take(await answered(client.POST(path, { params, headers: once(key) })))
  }

  /** Fetch the file of a message from the provider once more. */
  async function fetchAgain(message: Message, key: string): Promise<void> {
    const params = { path: { message_id: message.id } }
    const path = '/api/messages/{message_id}/fetch'
    take(await answered(client.POST(path, { params, headers: once(key) })))
  }

  /** Send the customer a link through which they can hand in the file that a message tells of. */
  async function askForFile(conversationId: string, message: Message, key: string): Promise<void> {
    const params = { path: { conversation_id: conversationId } }
    const path = '/api/conversations/{conversation_id}/file-requests'
    const body = { message_id: message.id }
    take(await answered(client.POST(path, { params, headers: once(key), body })))
  }

  /** Let the customer see that somebody writes. That it does not come about is nobody's trouble. */
  async function tellWriting({ id }: Conversation): Promise<void> {
    const params = { path: { conversation_id: id } }
    try {
      await client.POST('/api/conversations/{conversation_id}/typing', { params })
    } catch {
      // A courtesy: the next one may get through.
    }
  }

  /** Let the customer see that nobody writes any more. Without it they would for some seconds longer. */
  async function takeWritingBack({ id }: Conversation): Promise<void> {
    const params = { path: { conversation_id: id } }
    try {
      await client.DELETE('/api/conversations/{conversation_id}/typing', { params })
    } catch {
      // A courtesy: it ends by itself.
    }
  }

  return {
    tellWriting,
    takeWritingBack,
    markRead,
    end,
    take: takeOver,
    resend,
    leave,
    fetchAgain,
    askForFile,
  }
}
