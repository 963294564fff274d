/** Files of messages: what is known of them, where they are, and how large a picture is drawn. */
import { mediaFields } from '@/api/soon'
import type { Content, MediaSoon } from '@/api/types'

export type MediaState = NonNullable<MediaSoon['state']>

export interface Media {
  type: 'image' | 'voice' | 'video' | 'short_video'
  state: MediaState
  /** A stable word for what went wrong. */
  reason: string | null
  blobId: string | null
  sizeBytes: number | null
  width: number | null
  height: number | null
  name: string | null
}

/** Return the file that `content` tells of; null for everything that has none. */
export function mediaOf(content: Content): Media | null {
  switch (content.type) {
    case 'image':
    case 'voice':
    case 'video':
    case 'short_video': {
      const told = mediaFields(content)
      const blobId = content.blob_id ?? null
      return {
        type: content.type,
        state: told.state ?? (blobId === null ? 'failed' : 'kept'),
        reason: told.reason ?? null,
        blobId,
        sizeBytes: told.size_bytes ?? null,
        width: told.width ?? null,
        height: told.height ?? null,
        name: told.name ?? null,
      }
    }
    default:
      return null
  }
}

export function addressOf(blobId: string): string {
  return `/api/media/${blobId}`
}

export function downloadOf(blobId: string): string {
  return `${addressOf(blobId)}?download=1`
}

export interface Size {
  width: number
  height: number
}

/** Never smaller, so that it can be seen and hit; what is thinner is cut. */
const LEAST_PX = 56
/** Drawn where nothing is known of the size. */
export const UNKNOWN: Size = { width: 220, height: 165 }

/** Return how large a picture is drawn within `most`: whole, never enlarged, known before it is loaded. */
export function fitted(width: number | null, height: number | null, most: Size): Size {
  if (!width || !height) return UNKNOWN
  const scale = Math.min(1, most.width / width, most.height / height)
  return {
    width: Math.max(LEAST_PX, Math.round(width * scale)),
    height: Math.max(LEAST_PX, Math.round(height * scale)),
  }
}
