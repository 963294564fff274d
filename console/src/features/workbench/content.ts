/** What can be said about content that is shown as a card. Nothing of it is hidden. */
import type { Content } from '@/api/types'

export type Place = Extract<Content, { type: 'location' }>
export type ChoicesContent = Extract<Content, { type: 'choices' }>
export type FileRequest = Extract<Content, { type: 'upload_request' }>
export type SharedFile = Extract<Content, { type: 'file' }>

/** A text's words; with what they mean where they answer a question by its number. */
export function spoken({ text, chosen }: Extract<Content, { type: 'text' }>): string {
  return chosen && chosen.text !== text ? `${text} · ${chosen.text}` : text
}

/** The kind as the provider or we call it; `unsupported` content says itself what it is. */
export function kindOf(content: Content): string {
  return content.type === 'unsupported' ? content.kind : content.type
}

/** Where a shared page is; null for anything that is no plain web address. */
export function linkOf({ url }: { url: string }): string | null {
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null
}

/** The server that a web address leads to, as people read it. */
export function hostOf(href: string): string | null {
  return URL.canParse(href) ? new URL(href).host : null
}

/** Every other field that has a value, by its name, as text. */
export function detailsOf(content: Content): [string, string][] {
  if (content.type === 'unsupported') return rows(content.fields ?? {})
  const { others, ...own } = content
  return rows({ ...own, ...(others ?? {}) })
}

function rows(fields: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(fields)
    .filter(([name]) => name !== 'version' && name !== 'type')
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])
}
