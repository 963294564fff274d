/** Where a client stands in the workspace's log of facts: `<epoch>:<number>`. */
export interface Cursor {
  epoch: string
  seq: number
}

export function parseCursor(text: string): Cursor | null {
  const cut = text.lastIndexOf(':')
  const seq = Number(text.slice(cut + 1))
  if (cut < 1 || !Number.isSafeInteger(seq) || seq < 0) return null
  return { epoch: text.slice(0, cut), seq }
}

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}:${cursor.seq}`
}
