import { defineStore } from 'pinia'
import { ref } from 'vue'

const SHOWN_MS = 6_000

export interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad'
}

/** Short words about what just happened, for a few seconds. */
export const useToasts = defineStore('toasts', () => {
  const all = ref<Toast[]>([])
  let last = 0

  function show(text: string, tone: Toast['tone']): void {
    last += 1
    const id = last
    all.value = [...all.value.slice(-2), { id, text, tone }]
    setTimeout(() => dismiss(id), SHOWN_MS)
  }

  function dismiss(id: number): void {
    all.value = all.value.filter((toast) => toast.id !== id)
  }

  return {
    all,
    dismiss,
    tell: (text: string) => show(text, 'good'),
    warn: (text: string) => show(text, 'bad'),
  }
})
