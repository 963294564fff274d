import { computed, onScopeDispose, ref, type Ref, watch } from 'vue'

import type { Menu, MenuAction, MenuFault } from '@/api/types'

import {
  added,
  changed,
  find,
  freshItemId,
  type Limits,
  moved,
  stepped,
  type Target,
  without,
} from './menu'

const CHECK_AFTER_MS = 350

/** A menu being edited: which item is open, what each act makes of it, and what is wrong with it. */
export function useMenuEditing(
  menu: Ref<Menu>,
  limits: Ref<Limits>,
  check: (menu: Menu) => Promise<MenuFault[]>,
) {
  const selected = ref<string | null>(menu.value.items[0]?.id ?? null)
  const faults = ref<MenuFault[]>([])
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = 0

  const open = computed(() => find(menu.value, selected.value))
  const faulty = computed<ReadonlySet<string>>(
    () => new Set(faults.value.flatMap((fault) => (fault.item_id === null ? [] : [fault.item_id]))),
  )
  const ofOpen = computed(() => faults.value.filter((fault) => fault.item_id === selected.value))
  const ofMenu = computed(() => faults.value.filter((fault) => fault.item_id === null))

  async function ask(): Promise<void> {
    asked += 1
    const number = asked
    try {
      const found = await check(menu.value)
      if (number === asked) faults.value = found
    } catch {
      return // the server says it again when the menu is saved
    }
  }

  watch(
    menu,
    () => {
      clearTimeout(timer)
      timer = setTimeout(() => void ask(), CHECK_AFTER_MS)
      if (find(menu.value, selected.value) === null)
        selected.value = menu.value.items[0]?.id ?? null
    },
    { deep: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  void ask()

  return {
    selected,
    open,
    faults,
    faulty,
    ofOpen,
    ofMenu,
    select: (id: string) => {
      selected.value = id
    },
    add: (parent: string | null) => {
      const id = freshItemId()
      menu.value = added(menu.value, parent, id)
      selected.value = id
    },
    change: (change: { name?: string; action?: MenuAction | null }) => {
      if (selected.value !== null) menu.value = changed(menu.value, selected.value, change)
    },
    remove: () => {
      const parent = open.value?.parent?.id ?? null
      if (selected.value === null) return
      menu.value = without(menu.value, selected.value)
      selected.value = parent ?? menu.value.items[0]?.id ?? null
    },
    move: (id: string, to: Target) => {
      menu.value = moved(menu.value, id, to, limits.value)
    },
    step: (id: string, by: -1 | 1) => {
      menu.value = stepped(menu.value, id, by, limits.value)
    },
  }
}

export type MenuEditing = ReturnType<typeof useMenuEditing>
