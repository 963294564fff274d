import { customRef, type Ref } from 'vue'

import { recall, remember } from '@/lib/storage'

/** A number that the browser remembers under `key`. */
export function rememberedNumber(key: string, initial: number): Ref<number> {
  const stored = Number(recall(key))
  let value = stored > 0 ? stored : initial
  return customRef((track, trigger) => ({
    get() {
      track()
      return value
    },
    set(next) {
      value = next
      remember(key, String(next))
      trigger()
    },
  }))
}
