import { type Component, defineAsyncComponent } from 'vue'

import type { Menu } from '@/api/types'

/** What a kind of channel may add to the console. Everything works without: a kind may bring nothing. */
export interface KindWidgets {
  /** What the customer's screen looks like, beside texts that are sent to them. Takes `PreviewProps`. */
  preview?: Component
  /** What is to be done at the provider after docking. Takes `GuideProps`. */
  guide?: Component
  /** The account's menu as the customer's screen draws it, to look at or to edit. Takes `MenuScreenProps`. */
  menu?: Component
  /** Texts of the kind hold codes that its screens draw as faces. */
  faces?: true
  /** Chooses such a face: emits `choose` with its code. */
  facePicker?: Component
}

/** What somebody said: words, or in place of them the address of a picture; with what can be tapped. */
export interface PreviewLine {
  from: 'customer' | 'account'
  text: string
  picture?: string
  /** What can be tapped below the words, and what stands below that. */
  choices?: readonly string[]
  tail?: string
  /** The words are the title of a card that leads to a page. */
  card?: { description: string; hasPicture: boolean; picture?: string }
}

export interface PreviewProps {
  account: string
  /** In the order they were said. */
  lines: readonly PreviewLine[]
  locale: string
}

export interface MenuScreenProps {
  account: string
  menu: Menu
  /** The item that is being edited. */
  selected: string | null
  /** Items that something is wrong with. */
  faulty: ReadonlySet<string>
  mode: 'edit' | 'look'
  mostItems: number
  mostSubItems: number
}

export interface GuideProps {
  callbackUrl: string
  /** What was just entered, where it is still known; the server never tells secrets again. */
  credentials: Readonly<Record<string, string>> | null
}

const KINDS: Readonly<Record<string, KindWidgets>> = {
  wechat_oa: {
    faces: true,
    facePicker: defineAsyncComponent(() => import('./wechat_oa/FacePicker.vue')),
    preview: defineAsyncComponent(() => import('./wechat_oa/PhonePreview.vue')),
    guide: defineAsyncComponent(() => import('./wechat_oa/ServerGuide.vue')),
    menu: defineAsyncComponent(() => import('./wechat_oa/MenuPhone.vue')),
  },
}

export function widgetsOf(kind: string): KindWidgets {
  return KINDS[kind] ?? {}
}
