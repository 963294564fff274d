import { onBeforeUnmount, onMounted } from 'vue'

import { isTyping } from '@/lib/keys'

/** Single keys as commands, while nobody is typing and no dialog is open. Names are those of `KeyboardEvent.key`. */
export function useShortcuts(commands: Readonly<Record<string, () => void>>): void {
  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (isTyping(event.target) || document.querySelector('dialog[open]') !== null) return
    const command = commands[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (command === undefined) return
    event.preventDefault()
    command()
  }
  onMounted(() => document.addEventListener('keydown', press))
  onBeforeUnmount(() => document.removeEventListener('keydown', press))
}
