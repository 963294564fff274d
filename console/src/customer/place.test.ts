import { describe, expect, it } from 'vitest'

import { placeOf } from './place'

describe('the address of a customer’s page', () => {
  it('names the page and carries the token', () => {
    expect(placeOf('/c/upload/WyJh.bC-d_e')).toEqual({ purpose: 'upload', token: 'WyJh.bC-d_e' })
  })

  it('is refused where something is missing or too much', () => {
    for (const path of ['/c/', '/c/upload', '/c/upload/', '/c/UP/x', '/c/a/b/c', '/x/upload/b']) {
      expect([path, placeOf(path)]).toEqual([path, null])
    }
  })
})
