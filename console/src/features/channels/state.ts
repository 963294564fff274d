import type { ChannelState } from '@/api/types'

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
