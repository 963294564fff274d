import { describe, expect, it } from 'vitest'

import { backoffMs } from './backoff'
import { utf8Length } from './bytes'
import { freshKey } from './ids'
import { isComposing, sendsReply } from './keys'
import { splitLinks } from './links'
import { initials, shortName, splitName } from './text'

const ENTER = {
  key: 'Enter',
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  keyCode: 13,
}

describe('a reply', () => {
  it('is sent by Enter, with or without Ctrl or the command key', () => {
    expect(sendsReply(ENTER)).toBe(true)
    expect(sendsReply({ ...ENTER, ctrlKey: true })).toBe(true)
    expect(sendsReply({ ...ENTER, metaKey: true })).toBe(true)
  })

  it('gets a new line by Shift Enter', () => {
    expect(sendsReply({ ...ENTER, shiftKey: true })).toBe(false)
  })

  it('is never sent by the Enter that chooses characters in an input method', () => {
    expect(sendsReply({ ...ENTER, isComposing: true })).toBe(false)
    expect(sendsReply({ ...ENTER, keyCode: 229 })).toBe(false)
    expect(sendsReply({ ...ENTER, isComposing: true, ctrlKey: true })).toBe(false)
    expect(isComposing({ isComposing: false, keyCode: 13 })).toBe(false)
  })
})

describe('the length of a text', () => {
  it('is counted in UTF-8 bytes, as providers do', () => {
    expect(utf8Length('abc')).toBe(3)
    expect(utf8Length('你好')).toBe(6)
    expect(utf8Length('😀')).toBe(4)
  })
})

describe('keys', () => {
  it('differ each time', () => {
    expect(new Set(Array.from({ length: 100 }, freshKey)).size).toBe(100)
  })
})

describe('the wait before a reconnect', () => {
  it('grows, is spread, and has an end', () => {
    expect(backoffMs(0, 0)).toBe(250)
    expect(backoffMs(0, 0.999)).toBeLessThanOrEqual(500)
    expect(backoffMs(3, 0)).toBeGreaterThan(backoffMs(2, 0))
    expect(backoffMs(1000, 0.999)).toBeLessThanOrEqual(15_000)
  })
})

describe('links', () => {
  it('are found without the punctuation behind them', () => {
    expect(splitLinks('看 https://a.test/b，好吗')).toEqual([
      { text: '看 ', href: null },
      { text: 'https://a.test/b', href: 'https://a.test/b' },
      { text: '，好吗', href: null },
    ])
  })

  it('are never anything but web addresses', () => {
    const pieces = splitLinks('javascript:alert(1) data:text/html,x')
    expect(pieces.every((piece) => piece.href === null)).toBe(true)
  })

  it('leave the text as it was', () => {
    const text = 'a http://x.test/?q=1). b'
    expect(
      splitLinks(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text)
  })
})

describe('a name', () => {
  it('is shown by its letters', () => {
    expect(initials('Mei Lin')).toBe('ML')
    expect(initials('陈晓')).toBe('晓')
    expect(initials('')).toBe('?')
  })

  it('that nobody gave is told apart by its end', () => {
    const name = '晨雾咖啡_od5CP-spsvp0xQwl_vQBJEl3bz1h'
    expect(initials(name)).toBe('1H')
    expect(splitName(name).join('')).toBe(name)
    expect(splitName(name)[1]).toBe('l3bz1h')
    expect(splitName('Mei')).toEqual(['Mei', ''])
    expect(shortName(name)).toBe('晨雾咖啡_…l3bz1h')
    expect(shortName('Mei')).toBe('Mei')
  })
})
