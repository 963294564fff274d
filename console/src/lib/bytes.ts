const encoder = new TextEncoder()

/** The length of `text` in UTF-8 bytes, which is how providers count. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}
