import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { createI18n } from 'vue-i18n'
import { createMemoryHistory, createRouter } from 'vue-router'

import { Problem } from '@/api/problems'
import { leaveFor } from '@/lib/leave'
import uiTexts from '@/ui/locales/en.json'

import { channelRoutes } from './channels.routes'
import { pauseAfter } from './composables/use-authorizing'
import { useReceptionForm } from './composables/use-reception-form'
import texts from './locales/en.json'
import { aChannel } from './samples'
import { sendChange } from './sending'
import { mended, stateOf } from './state'
import AuthorizedView from './views/AuthorizedView.vue'

describe('the way to the provider', () => {
  it('tells where the reader comes from, and nothing more', () => {
    const followed: [string, string][] = []
    const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
      this: HTMLAnchorElement,
    ) {
      followed.push([this.href, this.getAttribute('referrerpolicy') ?? this.referrerPolicy])
    })
    leaveFor('https://provider.example/authorize?code=1')
    expect(click).toHaveBeenCalledOnce()
    expect(followed).toEqual([['https://provider.example/authorize?code=1', 'origin']])
    expect(document.querySelector('a')).toBeNull()
  })
})

describe('what is waited for', () => {
  it('is only another process that asks the provider already', () => {
    const still = new Problem('channels.still_exchanging', 503, { retry_after_s: 3 })
    expect(pauseAfter(still)).toBe(3_000)
    expect(pauseAfter(new Problem('channels.still_exchanging', 503))).toBe(2_000)
    expect(pauseAfter(new Problem('channels.attempt_expired', 409))).toBeNull()
    expect(pauseAfter(new Problem('core.unreachable', 0))).toBeNull()
  })
})

describe('what a person changed of a channel', () => {
  const stale = new Problem('core.stale_version', 409)
  const change = { settings: aChannel().settings, version: 4 }
  const knew = aChannel({ version: 4 })

  it('is sent again where only the account itself is another', async () => {
    const now = aChannel({ version: 6, state: 'failing' })
    const send = vi.fn().mockRejectedValueOnce(stale).mockResolvedValueOnce(now)
    await expect(sendChange(change, knew, send, () => Promise.resolve(now))).resolves.toBe(now)
    expect(send.mock.calls).toEqual([[change], [{ ...change, version: 6 }]])
  })

  it('does not overwrite what somebody else has set', async () => {
    const now = aChannel({ version: 6, settings: { ...knew.settings, links_last_days: 2 } })
    const send = vi.fn().mockRejectedValue(stale)
    await expect(sendChange(change, knew, send, () => Promise.resolve(now))).rejects.toBe(stale)
    expect(send).toHaveBeenCalledOnce()
  })

  it('is given up where it is overtaken again and again', async () => {
    const send = vi.fn().mockRejectedValue(stale)
    await expect(sendChange(change, knew, send, () => Promise.resolve(knew))).rejects.toBe(stale)
    expect(send).toHaveBeenCalledTimes(3)
  })
})

describe('a channel that does not work', () => {
  it('is brought back the way it was docked', () => {
    expect(mended(aChannel())).toBeNull()
    expect(mended(aChannel({ state: 'deauthorized' }))).toBe('authorize')
    expect(mended(aChannel({ state: 'undocked', docked_by: 'credentials' }))).toBe('byHand')
    expect(mended(aChannel({ state: 'failing', docked_by: 'credentials' }))).toBeNull()
  })

  it('is found by a state that exists', () => {
    expect(stateOf('restricted')).toBe('restricted')
    expect(stateOf('gone')).toBeNull()
    expect(stateOf(undefined)).toBeNull()
  })
})

describe('the reception form', () => {
  const openForm = () => useReceptionForm(ref(aChannel()), () => 'Hello')

  it('saves how long customers come back to their agent', () => {
    const { draft, isChanged, change } = openForm()
    draft.afterSession = '0'
    draft.lastServed = '5'
    expect(isChanged.value).toBe(true)
    expect(change.value).toMatchObject({ after_session_hours: 0, last_served_hours: 5 })
  })

  it('keeps as many replies for agents as suit the limits where nothing is typed', () => {
    const { draft, change } = openForm()
    expect(change.value?.kept_for_people).toBeNull()
    draft.kept = '7'
    expect(change.value?.kept_for_people).toBe(7)
    draft.kept = '21'
    expect(change.value).toBeNull()
  })

  it.each(['', '169', '1.5', 'a day'])('does not save “%s” hours', (typed) => {
    const { draft, change } = openForm()
    draft.afterSession = typed
    expect(change.value).toBeNull()
  })
})

describe('the way back from the provider', () => {
  type Answer = (path: string, method: string) => [number, unknown]
  const asked: string[] = []

  function serve(answer: Answer): void {
    vi.stubGlobal('fetch', (request: Request) => {
      const { pathname } = new URL(request.url)
      asked.push(`${request.method} ${pathname}`)
      const [status, body] = answer(pathname, request.method)
      return Promise.resolve(
        new Response(JSON.stringify(body), {
          status,
          headers: { 'Content-Type': 'application/json' },
        }),
      )
    })
  }

  async function arriveAt(address: string) {
    const router = createRouter({ history: createMemoryHistory(), routes: channelRoutes })
    await router.push(address)
    const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
    const i18n = createI18n({
      legacy: false,
      locale: 'en',
      missingWarn: false,
      fallbackWarn: false,
      messages: { en: { ...texts, ...uiTexts } },
    })
    const view = mount(AuthorizedView, {
      global: {
        plugins: [router, i18n, createPinia(), [VueQueryPlugin, { queryClient: client }]],
      },
    })
    await flushPromises()
    return { view, router }
  }

  beforeEach(() => {
    asked.length = 0
    setActivePinia(createPinia())
    localStorage.setItem('moorage.locale', 'en')
  })
  afterEach(() => vi.unstubAllGlobals())

  const nothing: Answer = () => [200, { items: [] }]

  it('shows the docked account, and forgets the code', async () => {
    serve((path, method) => {
      if (method === 'POST' || path === '/api/channels/channel-1') return [200, aChannel()]
      return nothing(path, method)
    })
    const { view, router } = await arriveAt('/channels/authorized?state=s&auth_code=c')
    await vi.waitFor(() => expect(view.text()).toContain('Morning Mist is docked'))
    expect(router.currentRoute.value.query).toEqual({ channel: 'channel-1' })
    expect(asked.filter((each) => each.startsWith('POST'))).toHaveLength(1)
  })

  it('shows it again after a reload without doing anything', async () => {
    serve((path, method) =>
      path === '/api/channels/channel-1' ? [200, aChannel()] : nothing(path, method),
    )
    const { view } = await arriveAt('/channels/authorized?channel=channel-1')
    await vi.waitFor(() => expect(view.text()).toContain('Morning Mist is docked'))
    expect(asked.some((each) => each.startsWith('POST'))).toBe(false)
  })

  it.each([
    ['channels.attempt_foreign', 403, 'Somebody else began this attempt'],
    ['channels.attempt_expired', 409, 'took too long'],
    ['channels.already_docked', 409, 'is docked on this installation already'],
  ])('says what went wrong with %s, and what to do', async (code, status, words) => {
    serve((path, method) => (method === 'POST' ? [status, { code }] : nothing(path, method)))
    const { view } = await arriveAt('/channels/authorized?state=s&auth_code=c')
    expect(view.text()).toContain(words)
    expect(view.text()).toContain('Start again')
    expect(asked.filter((each) => each.startsWith('POST'))).toHaveLength(1)
  })

  it('asks the server nothing where the provider told nothing', async () => {
    serve(nothing)
    const { view } = await arriveAt('/channels/authorized')
    expect(view.text()).toContain('There is no such attempt')
    expect(asked.some((each) => each.startsWith('POST'))).toBe(false)
  })
})
