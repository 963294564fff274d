/** Read the address of ours that an "open in WeChat" page is about; null where it is none. */
export function pathOf(token: string): string | null {
  try {
    const raw = atob(token.replace(/-/g, '+').replace(/_/g, '/'))
    const path = new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(raw, (byte) => byte.charCodeAt(0)),
    )
    return /^\/identify\/[\w-]+(\?[^\s]*)?$/.test(path) ? path : null
  } catch {
    return null
  }
}
