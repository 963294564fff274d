/** What can be checked of a greeting before the server says the same. */

export const PLACEHOLDERS = ['agent', 'customer', 'channel', 'time'] as const
export type Placeholder = (typeof PLACEHOLDERS)[number]

export const MOST_CHARACTERS = 600

const PLACEHOLDER = /\{([^{}]*)\}/gu

/** The placeholders in `template` that do not exist. */
export function unknownPlaceholders(template: string): string[] {
  const known: readonly string[] = PLACEHOLDERS
  const found = [...template.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')
  return [...new Set(found.filter((name) => !known.includes(name)))]
}

/** What the customer would read, with one pass over the template, as the server does it. */
export function filled(template: string, values: Readonly<Record<Placeholder, string>>): string {
  const byName: Readonly<Record<string, string>> = values
  return template.replace(PLACEHOLDER, (_, name: string) => byName[name] ?? '')
}
