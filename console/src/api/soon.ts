/** Commands that the server's schema does not name yet; each moves to its caller once it does. */
import { answered, type Client, once } from './client'
import type { Message } from './types'

interface Loose {
  POST: (path: string, init: object) => Promise<{ data?: Message; response: Response }>
}

const loose = (client: Client) => client as unknown as Loose

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
