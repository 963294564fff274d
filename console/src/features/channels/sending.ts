import { asProblem } from '@/api/problems'
import type { Channel, ChannelSettings } from '@/api/types'

const MOST_TRIES = 3
const PARTS = ['name', 'account_type', 'verified', 'settings'] as const

export interface Change {
  name?: string
  account_type?: Channel['account_type']
  verified?: Channel['verified']
  settings?: ChannelSettings
  version: number
}

/**
 * Send what a person changed of a channel they `knew`. A version tells of every change, of the account's state too; where
 * nothing of what they change was changed by somebody else, it is sent again for the version that is `read` then.
 */
export async function sendChange(
  change: Change,
  knew: Channel | undefined,
  send: (change: Change) => Promise<Channel>,
  read: () => Promise<Channel>,
): Promise<Channel> {
  for (let tries = 1; ; tries++) {
    try {
      return await send(change)
    } catch (error) {
      const isStale = asProblem(error).code === 'core.stale_version'
      if (!isStale || knew === undefined || tries === MOST_TRIES) throw error
      const now = await read()
      if (!isSame(change, knew, now)) throw error
      change = { ...change, version: now.version }
    }
  }
}

function isSame(change: Change, knew: Channel, now: Channel): boolean {
  return PARTS.every(
    (part) =>
      change[part] === undefined || JSON.stringify(knew[part]) === JSON.stringify(now[part]),
  )
}
