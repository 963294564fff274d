import type { Channel, ChannelState } from '@/api/types'

export type Tone = 'neutral' | 'good' | 'warn' | 'bad'

/** How worried one should be about a channel in this state. */
export const TONES: Readonly<Record<ChannelState, Tone>> = {
  authorizing: 'neutral',
  active: 'good',
  restricted: 'warn',
  failing: 'bad',
  deauthorized: 'bad',
  undocked: 'neutral',
}

/** In the order in which they are offered: what works, what needs somebody, what is over. */
export const STATES: readonly ChannelState[] = [
  'active',
  'restricted',
  'failing',
  'authorizing',
  'deauthorized',
  'undocked',
]

/** The state that an address names, or null where it names none. */
export function stateOf(value: unknown): ChannelState | null {
  return STATES.find((state) => state === value) ?? null
}

/** How a channel that does not work is brought back by whoever manages it; null where that is not done here. */
export function mended(channel: Channel): 'authorize' | 'byHand' | null {
  if (channel.state === 'active') return null
  if (channel.docked_by === 'authorization') return 'authorize'
  return channel.state === 'undocked' ? 'byHand' : null
}

/** A channel that works by its state, although the last look at it found trouble; null where all is well. */
export function ailing(channel: Channel): 'warning' | 'failing' | null {
  const found = channel.health?.state
  return channel.state !== 'active' || found === undefined || found === 'ok' ? null : found
}
