/** Placeholders in what followers are told: one pass over the template, as the server does it. */
import type { FollowReplyLimits } from '@/api/types'
import { utf8Length } from '@/lib/bytes'

export const PLACEHOLDER = /\{([^{}]*)\}/gu

/** How many bytes a text has at most, whoever it is filled in for. */
export function longestBytes(text: string, limits: FollowReplyLimits): number {
  const filled = text.replace(PLACEHOLDER, (_, name: string) => {
    if (name === 'time') return '00:00'
    return limits.placeholders.includes(name) ? 'x'.repeat(limits.name_bytes) : ''
  })
  return utf8Length(filled)
}

/** What the provider would be given. */
export function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '')
}
