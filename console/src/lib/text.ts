/** A name that nobody gave: the account's name and the provider's id of the customer. Only its end tells people apart. */
const PROVIDER_ID = /_([\w-]{16,})$/u
const TAIL = 6

/** Return `name` in two parts, of which the second should stay visible where there is no room for both. */
export function splitName(name: string): [head: string, tail: string] {
  return PROVIDER_ID.test(name) ? [name.slice(0, -TAIL), name.slice(-TAIL)] : [name, '']
}

/** `name` as it fits into a sentence. */
export function shortName(name: string): string {
  const id = PROVIDER_ID.exec(name)?.[1]
  return id === undefined ? name : `${name.slice(0, -id.length)}…${name.slice(-TAIL)}`
}

/** The one or two letters that stand for a name in an avatar: two of a Latin name, the last of a Chinese one. */
export function initials(name: string): string {
  const id = PROVIDER_ID.exec(name)?.[1]
  if (id !== undefined) return id.slice(-2).toUpperCase()
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
