import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { answered, once, openClient } from './client'
import { Problem } from './problems'
import type { Agent, AgentStatus, Session, Upload } from './types'
import { sendFile, type Uploading } from './upload'
import { freshKey } from '@/lib/ids'

/** Who is signed in, and the client that speaks for them. */
export const useSession = defineStore('session', () => {
  const current = shallowRef<Session | null>(null)
  const asked = ref(false)
  const lost = ref(false)

  const client = openClient({
    csrfToken: () => current.value?.csrf_token ?? null,
    signedOut: () => {
      if (current.value !== null) lost.value = true
      current.value = null
    },
  })

  const me = computed<Agent | null>(() => current.value?.agent ?? null)
  const supervises = computed(() =>
    ['owner', 'admin', 'supervisor'].includes(current.value?.agent.role ?? ''),
  )

  function may(right: string): boolean {
    return current.value?.rights.includes(right) ?? false
  }

  /** Learn from the server who is signed in; asked once in a page's life. Throws a Problem if it cannot be asked. */
  async function restore(): Promise<void> {
    if (asked.value) return
    try {
      current.value = await answered(client.GET('/api/session'))
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error
    }
    asked.value = true
  }

  async function signIn(email: string, password: string): Promise<void> {
    current.value = await answered(client.POST('/api/session', { body: { email, password } }))
    asked.value = true
    lost.value = false
  }

  /**
   * End the session. With open conversations the server asks what is to become of them and answers with the problem
   * `staff.open_conversations`, unless `conversations` says it already.
   */
  async function signOut(conversations?: 'keep' | 'queue'): Promise<void> {
    const query = conversations === undefined ? {} : { conversations }
    await answered(client.DELETE('/api/session', { params: { query } }))
    current.value = null
  }

  /** Send a file under the idempotency `key`. Throws a Problem. */
  async function upload<Answer = Upload>({
    key,
    ...uploading
  }: Omit<Uploading, 'headers'> & { key: string }): Promise<Answer> {
    const headers = { ...once(key), 'X-CSRF-Token': current.value?.csrf_token ?? '' }
    try {
      return await sendFile<Answer>({ ...uploading, headers })
    } catch (error) {
      if (error instanceof Problem && error.status === 401) forget()
      throw error
    }
  }

  /** The session ended elsewhere: the server said so. */
  function forget(): void {
    if (current.value !== null) lost.value = true
    current.value = null
  }

  async function setStatus(status: AgentStatus): Promise<void> {
    const headers = once(freshKey())
    updateMe(await answered(client.PUT('/api/me/status', { headers, body: { status } })))
  }

  function updateMe(agent: Agent): void {
    if (current.value?.agent.id !== agent.id) return
    current.value = { ...current.value, agent }
  }

  return {
    current,
    lost,
    client,
    me,
    supervises,
    may,
    restore,
    signIn,
    signOut,
    upload,
    forget,
    setStatus,
    updateMe,
  }
})
