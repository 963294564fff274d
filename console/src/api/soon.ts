/** Commands that the server's schema does not name yet; each moves to its caller once it does. */
import { answered, type Client, once } from './client'
import type { Content, MediaSoon, Message } from './types'

export type Say = { type: 'text'; text: string } | { type: 'image'; upload_id: string }

interface Loose {
  POST: (path: string, init: object) => Promise<{ data?: Message; response: Response }>
  DELETE: (path: string, init: object) => Promise<{ response: Response }>
}

const loose = (client: Client) => client as unknown as Loose

export function say(
  client: Client,
  conversationId: string,
  content: Say,
  key: string,
): Promise<Message> {
  return answered(
    loose(client).POST('/api/conversations/{conversation_id}/messages', {
      params: { path: { conversation_id: conversationId } },
      headers: once(key),
      body: { content },
    }),
  )
}

/** What a file's content will say beside what it says today. */
export function mediaFields(content: Content): MediaSoon {
  return content as MediaSoon
}

function aboutMessage(path: string) {
  return (client: Client, messageId: string, key: string): Promise<Message> =>
    answered(
      loose(client).POST(path, {
        params: { path: { message_id: messageId } },
        headers: once(key),
      }),
    )
}

export const resend = aboutMessage('/api/messages/{message_id}/resend')
export const leave = aboutMessage('/api/messages/{message_id}/leave')
export const fetchAgain = aboutMessage('/api/messages/{message_id}/fetch')

export async function signOut(client: Client, conversations?: 'keep' | 'queue'): Promise<void> {
  const query = conversations === undefined ? {} : { conversations }
  await answered(loose(client).DELETE('/api/session', { params: { query } }))
}
