import { answered } from '@/api/client'
import { Problem } from '@/api/problems'
import { useSession } from '@/api/session'

/** Where a person who has just come in should stand: where they wanted to go, else where their work is. */
export async function landing(next: unknown): Promise<string> {
  if (typeof next === 'string' && next.startsWith('/') && !next.startsWith('//')) return next
  return (await hasNothingToServe()) ? '/channels' : '/workbench'
}

/** Whether this person could dock the first channel: without one the workbench stays empty. */
async function hasNothingToServe(): Promise<boolean> {
  const session = useSession()
  if (!session.may('channels.manage')) return false
  try {
    return (await answered(session.client.GET('/api/channels'))).items.length === 0
  } catch (error) {
    if (error instanceof Problem) return false
    throw error
  }
}
