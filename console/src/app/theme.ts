import { defineStore } from 'pinia'
import { computed, ref, watchEffect } from 'vue'

import { recall, remember } from '@/lib/storage'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'moorage.theme'

/** Light, dark, or as the system has it. `public/before-paint.js` does the same before anything is drawn. */
export const useTheme = defineStore('theme', () => {
  const stored = recall(KEY)
  const chosen = ref<Theme>(THEMES.find((theme) => theme === stored) ?? 'system')
  const system = window.matchMedia('(prefers-color-scheme: dark)')
  const systemIsDark = ref(system.matches)
  system.addEventListener('change', (event) => {
    systemIsDark.value = event.matches
  })

  const shown = computed<'light' | 'dark'>(() => {
    if (chosen.value !== 'system') return chosen.value
    return systemIsDark.value ? 'dark' : 'light'
  })
  watchEffect(() => {
    document.documentElement.dataset.theme = shown.value
  })

  function choose(theme: Theme): void {
    chosen.value = theme
    remember(KEY, theme === 'system' ? null : theme)
  }

  return { chosen, shown, choose }
})
