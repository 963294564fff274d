/** Changing menus: pure functions from one menu to the next. */
import type { Menu, MenuAction, MenuItem, SubMenuItem } from '@/api/types'

export interface Limits {
  mostItems: number
  mostSubItems: number
}

export interface Found {
  item: SubMenuItem
  /** The item above, or null in the menu bar. */
  parent: MenuItem | null
  index: number
}

export interface Target {
  parent: string | null
  index: number
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** An id that no other item has: the server takes eight letters and digits. */
export function freshItemId(): string {
  const numbers = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(numbers, (number) => ALPHABET[number % ALPHABET.length] ?? 'a').join('')
}

export function emptyMenu(): Menu {
  return { version: 1, items: [] }
}

export function find(menu: Menu, id: string | null): Found | null {
  for (const [index, item] of menu.items.entries()) {
    if (item.id === id) return { item, parent: null, index }
    const below = item.items.findIndex((each) => each.id === id)
    const found = item.items[below]
    if (found !== undefined) return { item: found, parent: item, index: below }
  }
  return null
}

export function belowOf(menu: Menu, id: string): readonly SubMenuItem[] {
  return menu.items.find((item) => item.id === id)?.items ?? []
}

function withItems(menu: Menu, items: MenuItem[]): Menu {
  return { ...menu, items }
}

/** The menu with one item changed. */
export function changed(
  menu: Menu,
  id: string,
  change: { name?: string; action?: MenuAction | null },
): Menu {
  return withItems(
    menu,
    menu.items.map((item) =>
      item.id === id
        ? { ...item, ...change }
        : {
            ...item,
            items: item.items.map((below) => (below.id === id ? { ...below, ...change } : below)),
          },
    ),
  )
}

export function without(menu: Menu, id: string): Menu {
  return withItems(
    menu,
    menu.items
      .filter((item) => item.id !== id)
      .map((item) => ({ ...item, items: item.items.filter((below) => below.id !== id) })),
  )
}

/** The menu with a new item at the end of the bar or of a sub-menu; what the item above did, its first one does now. */
export function added(menu: Menu, parent: string | null, id: string): Menu {
  if (parent === null)
    return withItems(menu, [...menu.items, { id, name: '', action: null, items: [] }])
  return withItems(
    menu,
    menu.items.map((item) =>
      item.id === parent
        ? {
            ...item,
            action: null,
            items: [...item.items, { id, name: '', action: item.action }],
          }
        : item,
    ),
  )
}

/** The menu with an item at another place; the same menu where there is no room, or it would nest too deep. */
export function moved(menu: Menu, id: string, to: Target, limits: Limits): Menu {
  const found = find(menu, id)
  if (found === null) return menu
  const isParent = found.parent === null && belowOf(menu, id).length > 0
  if (to.parent === id || (to.parent !== null && isParent)) return menu
  const stays = (found.parent?.id ?? null) === to.parent
  const list = to.parent === null ? menu.items : belowOf(menu, to.parent)
  const most = to.parent === null ? limits.mostItems : limits.mostSubItems
  if (!stays && list.length >= most) return menu
  const rest = without(menu, id)
  const above = isParent ? [...belowOf(menu, id)] : []
  if (to.parent === null)
    return withItems(rest, inserted(rest.items, to.index, { ...found.item, items: above }))
  const leaf = { id: found.item.id, name: found.item.name, action: found.item.action }
  return withItems(
    rest,
    rest.items.map((item) =>
      item.id === to.parent
        ? { ...item, action: null, items: inserted(item.items, to.index, leaf) }
        : item,
    ),
  )
}

/** The menu with an item one place further on or back in its own list. */
export function stepped(menu: Menu, id: string, by: -1 | 1, limits: Limits): Menu {
  const found = find(menu, id)
  if (found === null) return menu
  const list = found.parent === null ? menu.items : found.parent.items
  const index = found.index + by
  if (index < 0 || index >= list.length) return menu
  return moved(menu, id, { parent: found.parent?.id ?? null, index }, limits)
}

function inserted<Item>(list: readonly Item[], index: number, item: Item): Item[] {
  return [...list.slice(0, index), item, ...list.slice(index)]
}

/** What a new item of a kind begins with. */
export function freshAction(type: string): MenuAction | null {
  switch (type) {
    case 'message':
      return { type, text: '' }
    case 'link':
      return { type, url: 'https://' }
    case 'mini_program':
      return { type, app_id: '', path: '', url: 'https://' }
    case 'scan':
      return { type, waits: true }
    case 'location':
      return { type }
    case 'photos':
      return { type, source: 'camera_or_album' }
    case 'agent':
      return { type, group_id: null }
    default:
      return null
  }
}

export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
