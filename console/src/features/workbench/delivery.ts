/** What a person can do about a message that did not get through. */

export type Advice =
  'again' | 'customer_writes' | 'administrator' | 'tomorrow' | 'rewrite' | 'nothing'

const ADVICE: Readonly<Record<string, Advice>> = {
  provider_busy: 'again',
  unreachable: 'again',
  media_gone: 'again',
  no_answer: 'again',
  sender_lost: 'again',
  window_closed: 'customer_writes',
  budget_spent: 'customer_writes',
  not_following: 'customer_writes',
  daily_limit: 'tomorrow',
  too_long: 'rewrite',
  empty: 'rewrite',
  kind_not_sendable: 'rewrite',
  content_refused: 'rewrite',
  too_large: 'rewrite',
  format_refused: 'rewrite',
  link_refused: 'rewrite',
  unknown_customer: 'nothing',
  erased: 'rewrite',
  customer_blocks: 'nothing',
  customer_blacklisted: 'nothing',
  channel_state: 'administrator',
  undocked: 'administrator',
  secret_unreadable: 'administrator',
  invalid_secret: 'administrator',
  address_not_allowed: 'administrator',
  authorization_gone: 'administrator',
  token_refused: 'administrator',
  api_not_allowed: 'administrator',
  permission_missing: 'administrator',
  sending_forbidden: 'administrator',
  invalid_appid: 'administrator',
  secret_frozen: 'administrator',
  account_frozen: 'administrator',
  address_awaits_confirmation: 'administrator',
  address_refused_by_admin: 'administrator',
  belongs_to_platform: 'administrator',
  ticket_missing: 'administrator',
  ticket_old: 'administrator',
  ticket_refused: 'administrator',
}

/** Each is a key under `delivery.advice`. What nobody foresaw may well work at another try. */
export function adviceFor(reason: string | null | undefined): Advice {
  return (reason ? ADVICE[reason] : undefined) ?? 'again'
}

/** The reason of an unconfirmed message that a person decided to leave as it is. */
export const LEFT = 'left'
