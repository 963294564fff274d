import { describe, expect, it } from 'vitest'

import type { Menu } from '@/api/types'

import { added, changed, emptyMenu, find, freshItemId, moved, stepped, without } from './menu'

const LIMITS = { mostItems: 3, mostSubItems: 2 }

function aMenu(): Menu {
  let menu = emptyMenu()
  for (const id of ['one', 'two']) menu = added(menu, null, id)
  for (const id of ['three', 'four']) menu = added(menu, 'two', id)
  return menu
}

const shape = (menu: Menu) =>
  menu.items.map((item) =>
    item.items.length > 0 ? `${item.id}(${item.items.map((each) => each.id).join()})` : item.id,
  )

describe('a menu', () => {
  it('grows in the bar and below an item, whose action its first item takes over', () => {
    const menu = changed(added(emptyMenu(), null, 'one'), 'one', {
      action: { type: 'message', text: 'Hi' },
    })
    const grown = added(menu, 'one', 'two')
    expect(shape(grown)).toEqual(['one(two)'])
    expect(grown.items[0]?.action).toBeNull()
    expect(grown.items[0]?.items[0]?.action).toEqual({ type: 'message', text: 'Hi' })
  })

  it('lets items be found, changed and removed on both levels', () => {
    const menu = changed(aMenu(), 'four', { name: 'Four' })
    expect(find(menu, 'four')?.item.name).toBe('Four')
    expect(find(menu, 'four')?.parent?.id).toBe('two')
    expect(shape(without(menu, 'three'))).toEqual(['one', 'two(four)'])
    expect(shape(without(menu, 'two'))).toEqual(['one'])
    expect(find(menu, null)).toBeNull()
  })

  it('moves items within their list by one step, and not beyond its ends', () => {
    expect(shape(stepped(aMenu(), 'two', -1, LIMITS))).toEqual(['two(three,four)', 'one'])
    expect(shape(stepped(aMenu(), 'three', 1, LIMITS))).toEqual(['one', 'two(four,three)'])
    expect(shape(stepped(aMenu(), 'two', 1, LIMITS))).toEqual(shape(aMenu()))
  })

  it('moves items between the bar and sub-menus where there is room', () => {
    const up = moved(aMenu(), 'three', { parent: null, index: 0 }, LIMITS)
    expect(shape(up)).toEqual(['three', 'one', 'two(four)'])
    const down = moved(up, 'one', { parent: 'two', index: 1 }, LIMITS)
    expect(shape(down)).toEqual(['three', 'two(four,one)'])
    expect(moved(down, 'three', { parent: 'two', index: 0 }, LIMITS)).toBe(down)
    expect(moved(down, 'two', { parent: 'three', index: 0 }, LIMITS)).toBe(down)
    expect(moved(down, 'two', { parent: 'two', index: 0 }, LIMITS)).toBe(down)
  })

  it('gives ids that the server takes', () => {
    expect(freshItemId()).toMatch(/^[a-z0-9]{8}$/)
  })
})
