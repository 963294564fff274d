import { describe, expect, it } from 'vitest'

import {
  formatClock,
  formatDay,
  formatDuration,
  formatPosition,
  formatShort,
  waitLevel,
} from './time'

// Written without a zone, so that they mean the same in whatever zone the tests run.
const at = (text: string) => new Date(text).toISOString()
const NOW = new Date('2026-11-23T15:30:00').getTime()

describe('times', () => {
  it('of today are a clock, of this year a day, of others a day with its year', () => {
    expect(formatShort(at('2026-11-23T09:05:00'), NOW, 'en')).toBe('09:05')
    expect(formatShort(at('2026-11-20T09:05:00'), NOW, 'en')).toBe('Nov 20')
    expect(formatShort(at('2025-11-20T09:05:00'), NOW, 'en')).toBe('Nov 20, 2025')
    expect(formatShort(at('2026-11-20T09:05:00'), NOW, 'zh-CN')).toBe('11月20日')
  })

  it('at midnight begin the day with 00', () => {
    expect(formatClock(at('2026-11-23T00:07:00'), 'en')).toBe('00:07')
  })

  it('head a day by its word or its date', () => {
    expect(formatDay(at('2026-11-23T00:00:00'), NOW, 'zh-CN')).toBe('今天')
    expect(formatDay(at('2026-11-22T23:59:00'), NOW, 'en')).toBe('Yesterday')
    expect(formatDay(at('2026-11-20T12:00:00'), NOW, 'en')).toBe('Friday, November 20')
    expect(formatDay(at('2025-11-20T12:00:00'), NOW, 'zh-CN')).toBe('2025年11月20日星期四')
  })
})

describe('durations', () => {
  it('are told in their largest unit and are never negative', () => {
    expect(formatDuration(-5, 'en')).toBe('0s')
    expect(formatDuration(59_999, 'en')).toBe('59s')
    expect(formatDuration(60_000, 'en')).toBe('1m')
    expect(formatDuration(3_600_000 * 41, 'en')).toBe('41h')
    expect(formatDuration(3_600_000 * 72, 'en')).toBe('3d')
    expect(formatDuration(3_600_000 * 5, 'zh-CN')).toBe('5小时')
  })

  it('of a waiting customer turn amber after one minute and red after three', () => {
    expect(waitLevel(59_999)).toBe('fresh')
    expect(waitLevel(60_000)).toBe('long')
    expect(waitLevel(180_000)).toBe('overdue')
  })
})

describe('a position in something played', () => {
  it('is minutes and seconds', () => {
    expect([0, 3.02, 59.6, 65, 600, -1].map(formatPosition)).toEqual([
      '0:00',
      '0:03',
      '1:00',
      '1:05',
      '10:00',
      '0:00',
    ])
  })
})
