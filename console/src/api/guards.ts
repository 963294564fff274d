import type { Agent, Channel, ChannelState, Conversation, Message } from './types'

/**
 * What a fact of the socket carries. The server builds payloads with the same models as its answers, so that it is
 * enough to tell that it is an object with an id and a version.
 */
function isVersioned(payload: unknown): payload is { id: string; version: number } {
  if (typeof payload !== 'object' || payload === null) return false
  return 'id' in payload && 'version' in payload && typeof payload.version === 'number'
}

export function isAgent(payload: unknown): payload is Agent {
  return isVersioned(payload) && 'status' in payload
}

export function isChannel(payload: unknown): payload is Channel {
  return isVersioned(payload) && 'callback_url' in payload
}

/** What everybody is told when a channel changes. */
export type ChannelNews = Pick<Channel, 'id' | 'name' | 'verified'> & { state: ChannelState }

export function isChannelNews(payload: unknown): payload is ChannelNews {
  return isVersioned(payload) && 'name' in payload && 'verified' in payload && 'state' in payload
}

export function isConversation(payload: unknown): payload is Conversation {
  return isVersioned(payload) && 'thread_id' in payload && 'customer' in payload
}

export function isMessage(payload: unknown): payload is Message {
  return isVersioned(payload) && 'thread_id' in payload && 'seq' in payload
}

/** What a fact tells of a customer: what they are called now, and where their picture is. */
export interface Named {
  id: string
  name: string
  avatar_url: string | null
}

export function isNamed(payload: unknown): payload is Named {
  if (!isVersioned(payload) || !('name' in payload) || !('avatar_url' in payload)) return false
  const { name, avatar_url: avatar } = payload
  return typeof name === 'string' && (avatar === null || typeof avatar === 'string')
}
