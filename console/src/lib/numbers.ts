export interface Range {
  least: number
  most: number
}

/** The whole number that somebody typed, or null where it is none or out of range. */
export function wholeNumber(typed: string, { least, most }: Range): number | null {
  const text = typed.trim()
  if (!/^\d{1,9}$/.test(text)) return null
  const value = Number(text)
  return value >= least && value <= most ? value : null
}
