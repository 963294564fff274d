import { inject, type InjectionKey } from 'vue'

import type { FollowReplyLimits, ReplyPicture } from '@/api/types'

import type { Fault } from './follow'

/** What every part of the form needs, however deep it stands. */
export interface Editing {
  channelId: () => string
  limits: () => FollowReplyLimits
  faults: () => readonly Fault[]
  picture: (id: string | null) => ReplyPicture | undefined
  keepPicture: (picture: ReplyPicture) => void
}

export const EDITING: InjectionKey<Editing> = Symbol('follow reply')

export function useEditing(): Editing {
  const editing = inject(EDITING)
  if (!editing) throw new Error('a part of the follow reply stands outside of its form')
  return editing
}
