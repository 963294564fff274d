import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createI18n } from 'vue-i18n'
import { createMemoryHistory, createRouter } from 'vue-router'

import content from '../locales/en.json'
import { aConversation, aMessage } from '../samples'
import { workbenchRoutes } from '../workbench.routes'
import WorkbenchView from './WorkbenchView.vue'

const ANSWERS: Record<string, unknown> = {
  '/api/conversations': { items: [aConversation()], next_cursor: null, event_cursor: 'e:1' },
  '/api/conversations/conversation-1': aConversation(),
  '/api/threads/thread-1/messages': { items: [aMessage(1)], has_older: false, event_cursor: 'e:1' },
  '/api/channel-kinds': { items: [] },
}

function answer(input: RequestInfo | URL): Promise<Response> {
  const { pathname } = new URL(input instanceof Request ? input.url : String(input))
  return Promise.resolve(
    Response.json(ANSWERS[pathname] ?? {}, { status: pathname in ANSWERS ? 200 : 404 }),
  )
}

/** Make the window as wide as `narrow` says, for `matchMedia`. */
function widen(narrow: boolean): void {
  vi.stubGlobal('matchMedia', (query: string) => ({
    matches: query.includes('max-width') ? narrow : true,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }))
}

async function open(path: string) {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [...workbenchRoutes, { path: '/channels/:id/:tab', component: { render: () => null } }],
  })
  await router.push(path)
  const pinia = createPinia()
  setActivePinia(pinia)
  const i18n = createI18n({
    legacy: false,
    locale: 'en',
    missingWarn: false,
    fallbackWarn: false,
    messages: { en: content },
  })
  const view = mount(WorkbenchView, { global: { plugins: [router, pinia, i18n, VueQueryPlugin] } })
  await flushPromises()
  return { view, router }
}

describe('the workbench', () => {
  beforeEach(() => {
    vi.stubGlobal('fetch', answer)
    vi.stubGlobal(
      'ResizeObserver',
      class {
        observe(): void {
          return undefined
        }
        disconnect(): void {
          return undefined
        }
      },
    )
  })
  afterEach(() => vi.unstubAllGlobals())

  it('shows its panes side by side where there is room', async () => {
    widen(false)
    const { view } = await open('/workbench/conversation-1')
    expect(view.find('section[aria-label="Conversations"]').exists()).toBe(true)
    await vi.waitFor(() => {
      expect(view.find('[role=log]').text()).toContain('words 1')
    })
    expect(view.find('[role=separator]').exists()).toBe(true)
  })

  it('makes each pane a page on a phone', async () => {
    widen(true)
    const list = await open('/workbench')
    expect(list.view.find('section[aria-label="Conversations"]').exists()).toBe(true)
    expect(list.view.find('[role=log]').exists()).toBe(false)

    const { view, router } = await open('/workbench/conversation-1')
    expect(view.find('section[aria-label="Conversations"]').exists()).toBe(false)
    await vi.waitFor(() => {
      expect(view.find('[role=log]').text()).toContain('words 1')
    })
    expect(view.find('[role=separator]').exists()).toBe(false)
    await view.find('button[aria-label="Back to the list"]').trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.path).toBe('/workbench')
  })
})
