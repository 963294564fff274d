export interface Piece {
  text: string
  /** The address it leads to; null for plain words. */
  href: string | null
}

const ADDRESS = /https?:\/\/[^\s<>"'，。；！？、（）【】《》“”]+/giu
const TRAILING = /[.,;:!?)\]}]+$/u

/** Return `text` cut into plain words and web addresses, in order; joined they are `text` again. */
export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, '')
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), href: null })
    pieces.push({ text: address, href: address })
    from = match.index + address.length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), href: null })
  return pieces
}
