/** Channels for the tests, which set only what they are about. */
import type { Channel } from '@/api/types'

export function aChannel(own: Partial<Channel> = {}): Channel {
  return {
    id: 'channel-1',
    kind: 'wechat_oa',
    external_id: 'wx0000000000000001',
    name: 'Morning Mist',
    account_type: 'service',
    verified: true,
    state: 'active',
    state_reason: null,
    state_reasons: [],
    callback_url: 'https://moorage.example/wechat/platform/wx0000000000000001/messages',
    docked_at: '2026-11-23T08:00:00Z',
    last_message_at: null,
    server_verified_at: null,
    settings: {
      locale: 'en',
      greeting: { mode: 'once_per_conversation', text: null },
      budget_preset: null,
      after_session_hours: 24,
      last_served_hours: 72,
      links_last_days: 7,
    },
    capabilities: {
      max_text_bytes: 2048,
      sendable: ['text'],
      passive_reply: true,
      menu: true,
      follow_reply: true,
      recognises_visitors: true,
      sends_only_if_verified: true,
      choices: null,
      news: null,
    },
    docked_by: 'authorization',
    external_account_id: 'gh_000000000001',
    account_name: 'Morning Mist',
    principal_name: null,
    avatar_url: null,
    authorized_at: '2026-11-23T08:00:00Z',
    undocked_at: null,
    health: null,
    version: 1,
    ...own,
  }
}
