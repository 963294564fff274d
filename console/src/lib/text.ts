/** The one or two letters that stand for a name in an avatar: two of a Latin name, the last of a Chinese one. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s_·.-]+/u)
    .filter(Boolean)
  const first = Array.from(words[0] ?? '?')
  if (/\p{Script=Han}/u.test(first[0] ?? '')) return first.at(-1) ?? '?'
  const second = Array.from(words[1] ?? '')
  return ((first[0] ?? '?') + (second[0] ?? '')).toUpperCase()
}

/** A hue in degrees that is always the same for the same text. */
export function hueOf(text: string): number {
  let hash = 2166136261
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619)
  return (hash >>> 0) % 360
}
