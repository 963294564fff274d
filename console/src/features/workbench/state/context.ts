import type { ComputedRef, Ref, ShallowRef } from 'vue'

import type { Client } from '@/api/client'

import type { Replica } from '../replica'

/** What the parts of the workbench's state share. */
export interface Context {
  client: Client
  replica: ShallowRef<Replica>
  /** The id of the agent who is signed in; empty where nobody is. */
  me: ComputedRef<string>
  /** Whether the server is out of reach. */
  offline: Readonly<Ref<boolean>>
  noteSnapshot: (cursor: string | null | undefined) => void
}
