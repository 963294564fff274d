import { describe, expect, it } from 'vitest'

import { pathOf } from './elsewhere'

const encoded = (path: string) =>
  btoa(path).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')

describe('the address that is to be opened in WeChat', () => {
  it('is one of ours, with its parameters', () => {
    const path = '/identify/AaZz-_09?user=u-1&expires=1&signature=ab'
    expect(pathOf(encoded(path))).toBe(path)
    expect(pathOf(encoded('/identify/AaZz'))).toBe('/identify/AaZz')
  })

  it('is nothing else', () => {
    for (const path of [
      '//evil.example/',
      '/identify/x/y',
      '/api/x',
      'javascript:1',
      '/identify/a b',
    ]) {
      expect([path, pathOf(encoded(path))]).toEqual([path, null])
    }
    expect(pathOf('%%%')).toBeNull()
  })
})
