import { describe, expect, it } from 'vitest'

import { mapOf } from './maps'

describe('a map', () => {
  it('is a Chinese one for places in China, which understands their positions', () => {
    const address = new URL(mapOf(31.230416, 121.473701, '人民大道200号 & <b>'))
    expect(address.host).toBe('uri.amap.com')
    expect(address.searchParams.get('position')).toBe('121.473701,31.230416')
    expect(address.searchParams.get('name')).toBe('人民大道200号 & <b>')
  })

  it('is an open one elsewhere', () => {
    expect(mapOf(52.52, 13.405, '')).toBe(
      'https://www.openstreetmap.org/?mlat=52.520000&mlon=13.405000#map=16/52.520000/13.405000',
    )
  })

  it('always leads to one of these, whatever stands in the label', () => {
    for (const label of ['', '"><script>', '?&#', '\n', '\u202e'])
      for (const [lat, lng] of [
        [90, 180],
        [-90, -180],
        [0, 0],
        [39.9, 116.4],
      ] as const)
        expect(new URL(mapOf(lat, lng, label)).protocol).toBe('https:')
  })
})
