import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

export interface JustDocked {
  channelId: string
  credentials: Readonly<Record<string, string>>
}

/**
 * What was entered when a channel was docked in this page's life. The server never tells secrets again, and they
 * still have to be pasted at the provider; a reload forgets them.
 */
export const useJustDocked = defineStore('just-docked', () => {
  const last = shallowRef<JustDocked | null>(null)

  function remember(docked: JustDocked): void {
    last.value = docked
  }

  function credentialsOf(channelId: string): Readonly<Record<string, string>> | null {
    return last.value?.channelId === channelId ? last.value.credentials : null
  }

  return { remember, credentialsOf }
})
