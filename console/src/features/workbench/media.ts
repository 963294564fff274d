/** Files of messages: what is known of them, where they are, and how large a picture is drawn. */
import type { Content } from '@/api/types'

/** A picture, a voice or a video, as far as it is here. */
export type Media = Extract<Content, { type: 'image' | 'voice' | 'video' | 'short_video' }>

/** Return the file that `content` tells of; null for everything that has none. */
export function mediaOf(content: Content): Media | null {
  switch (content.type) {
    case 'image':
    case 'voice':
    case 'video':
    case 'short_video':
      return content
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
export function fitted(
  width: number | null | undefined,
  height: number | null | undefined,
  most: Size,
): Size {
  if (!width || !height) return UNKNOWN
  const scale = Math.min(1, most.width / width, most.height / height)
  return {
    width: Math.max(LEAST_PX, Math.round(width * scale)),
    height: Math.max(LEAST_PX, Math.round(height * scale)),
  }
}
