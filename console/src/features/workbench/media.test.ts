import { describe, expect, it } from 'vitest'

import { adviceFor } from './delivery'
import { downloadOf, fitted, mediaOf, UNKNOWN } from './media'

const MOST = { width: 320, height: 320 }

describe('the size of a picture, before it is loaded', () => {
  it.each([
    [640, 320, { width: 320, height: 160 }],
    [320, 640, { width: 160, height: 320 }],
    [100, 80, { width: 100, height: 80 }],
    [4000, 40, { width: 320, height: 56 }],
    [1, 1, { width: 56, height: 56 }],
  ])('of %i × %i fits', (width, height, size) => {
    expect(fitted(width, height, MOST)).toEqual(size)
  })

  it('that is not known is a usual one', () => {
    expect(fitted(null, 300, MOST)).toEqual(UNKNOWN)
  })
})

describe('the file of a message', () => {
  const image = {
    version: 1,
    type: 'image',
    external_media_id: 'm1',
    external_url: null,
    external_thumb_id: null,
    format: null,
    recognized_text: null,
    blob_id: 'b1',
    state: 'kept',
    width: 8,
    height: 6,
  } as const

  it('says where it is and how large it is', () => {
    expect(mediaOf(image)).toMatchObject({ state: 'kept', blob_id: 'b1', width: 8, height: 6 })
    expect(downloadOf('b1')).toBe('/api/media/b1?download=1')
  })

  it('is none where there are only words', () => {
    expect(mediaOf({ version: 1, type: 'text', text: 'hi', choice_id: null })).toBeNull()
  })
})

describe('what to do about a message that was not sent', () => {
  it('follows from the reason', () => {
    expect(adviceFor('window_closed')).toBe('customer_writes')
    expect(adviceFor('invalid_secret')).toBe('administrator')
    expect(adviceFor(null)).toBe('again')
    expect(adviceFor('never_heard_of')).toBe('again')
  })
})
