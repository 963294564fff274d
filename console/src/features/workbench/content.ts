/** What can be said about content that is shown as a card. Nothing of it is hidden. */
import type { Content } from '@/api/types'

import { mediaOf } from './media'

/** The kind as the provider or we call it; `unsupported` content says itself what it is. */
export function kindOf(content: Content): string {
  return content.type === 'unsupported' ? content.kind : content.type
}

/** The words in it that a person would want to read first; null if there are none. */
export function gistOf(content: Content): string | null {
  switch (content.type) {
    case 'image':
    case 'voice':
    case 'video':
    case 'short_video':
      return content.recognized_text || null
    case 'location':
      return content.label || `${String(content.latitude)}, ${String(content.longitude)}`
    case 'link':
      return content.title
    case 'file':
      return content.name
    default:
      return null
  }
}

/** What stands below those words. */
export function sublineOf(content: Content): string | null {
  return content.type === 'link' || content.type === 'file' ? content.description || null : null
}

export function sizeOf(content: Content): number | null {
  if (content.type === 'file') return content.size_bytes ?? null
  return mediaOf(content)?.size_bytes ?? null
}

/** Where a shared page is; null for anything that is no plain web address. */
export function linkOf(content: Content): string | null {
  return content.type === 'link' && /^https?:\/\//i.test(content.url) ? content.url : null
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
