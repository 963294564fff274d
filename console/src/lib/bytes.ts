const encoder = new TextEncoder()

/** The length of `text` in UTF-8 bytes, which is how providers count. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** A size in its largest unit, in steps of 1024 as providers count, with at most one digit after the point. */
export function formatSize(bytes: number, locale: string): string {
  const power = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10))
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: UNITS[power] ?? 'byte',
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: 1,
  }).format(bytes / 1024 ** power)
}
