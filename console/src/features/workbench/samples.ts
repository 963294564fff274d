/** Conversations and messages for the tests, which set only what they are about. */
import type { Conversation, Message } from '@/api/types'

export const ME = 'agent-me'

export function aConversation(own: Partial<Conversation> = {}): Conversation {
  return {
    id: 'conversation-1',
    thread_id: 'thread-1',
    channel: {
      id: 'channel-1',
      name: 'Morning Mist',
      kind: 'wechat_oa',
      state: 'active',
      verified: true,
    },
    customer: { id: 'customer-1', name: 'Mei', avatar_url: null },
    state: 'open',
    owner: { kind: 'agent', agent_id: ME, agent_name: 'Lin' },
    group_id: null,
    opened_at: '2026-11-23T08:00:00Z',
    queued_at: null,
    queue_priority: 1,
    queue_reason: null,
    assigned_at: '2026-11-23T08:00:00Z',
    closed_at: null,
    end_reason: null,
    waiting_since: null,
    unread: 0,
    last_message_at: '2026-11-23T08:00:00Z',
    last_message: { author_kind: 'customer', preview: '你好', type: 'text' },
    follow_state: 'following',
    budget: { open: true, left: 20, most: 20, ends_at: '2126-11-25T08:00:00Z', reason: null },
    sending: 'api',
    waiting: 0,
    after_session: false,
    version: 1,
    event_cursor: null,
    ...own,
  }
}

export function aMessage(seq: number, own: Partial<Message> = {}): Message {
  return {
    id: `message-${String(seq)}`,
    thread_id: 'thread-1',
    conversation_id: 'conversation-1',
    seq,
    author: { kind: 'customer', agent_id: null, name: null, why: null },
    content: { version: 1, type: 'text', text: `words ${String(seq)}`, choice_id: null },
    delivery: null,
    after_session: false,
    arrived_late: false,
    sent_at: '2026-11-23T08:00:00Z',
    created_at: '2026-11-23T08:00:00Z',
    version: 1,
    ...own,
  }
}
