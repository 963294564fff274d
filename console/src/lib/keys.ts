interface KeyPress {
  key: string
  shiftKey: boolean
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  isComposing: boolean
  keyCode: number
}

/**
 * Whether this key press belongs to an input method, which is choosing characters.
 *
 * Safari ends the composition before it reports the Enter that confirmed it; only the old key code 229 tells.
 */
export function isComposing(press: Pick<KeyPress, 'isComposing' | 'keyCode'>): boolean {
  return press.isComposing || press.keyCode === 229
}

/** Whether this key press sends the reply: Enter, or Ctrl/⌘ Enter; Shift Enter starts a new line. */
export function sendsReply(press: KeyPress): boolean {
  if (press.key !== 'Enter' || isComposing(press)) return false
  return !press.shiftKey && !press.altKey
}

/** Whether the person is typing somewhere, so that single letters are text and no commands. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}
