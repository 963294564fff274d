import type { CredentialField } from '@/api/types'

/** Whether the provider accepts such a value. Patterns of the server mean the whole value. */
export function fits(field: CredentialField, value: string): boolean {
  return new RegExp(`^(?:${field.pattern})$`, 'u').test(value)
}

/** The words between which a field chooses; null where it is free text. */
export function choicesOf(field: CredentialField): string[] | null {
  return /^\w+(\|\w+)+$/u.test(field.pattern) ? field.pattern.split('|') : null
}
