import { flushPromises } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'

import { useSession } from '@/api/session'
import type { Session, Upload } from '@/api/types'
import { useRealtime } from '@/realtime/store'

import { EMPTY, withMessage, withPage } from './replica'
import { aConversation, aMessage, ME } from './samples'
import { useWorkbench } from './workbench.store'

const MINE = { kind: 'agent', agent_id: ME, name: 'Lin', why: null } as const
const SESSION = {
  agent: { id: ME, name: 'Lin', role: 'agent', version: 1 },
  rights: [],
  csrf_token: 'token',
} as unknown as Session

interface Call {
  path: string
  key: string | null
  content: { type: string; text?: string; upload_id?: string }
}

/** A server that takes messages; `reachable` is false while nothing gets through to it. */
function aServer() {
  const calls: Call[] = []
  const server = { calls, reachable: true, refuses: new Set<string>() }
  vi.stubGlobal('fetch', async (request: Request) => {
    if (!server.reachable) throw new TypeError('no network')
    const { pathname } = new URL(request.url)
    if (!pathname.endsWith('/messages')) return Response.json({ items: [] })
    const { content } = (await request.json()) as Pick<Call, 'content'>
    calls.push({ path: pathname, key: request.headers.get('Idempotency-Key'), content })
    if (content.text && server.refuses.has(content.text))
      return Response.json({ code: 'conversations.too_long' }, { status: 409 })
    const said = { version: 1, type: 'text', text: content.text ?? '', choice_id: null } as const
    return Response.json(aMessage(100 + calls.length, { author: MINE, content: said }))
  })
  return server
}

function signedIn() {
  const session = useSession()
  session.current = SESSION
  return session
}

const said = (server: ReturnType<typeof aServer>) =>
  server.calls.map(({ content }) => content.text ?? content.upload_id)

describe('what an agent says', () => {
  beforeEach(() => {
    localStorage.clear()
    setActivePinia(createPinia())
    URL.createObjectURL = () => 'blob:picture'
    URL.revokeObjectURL = () => undefined
  })
  afterEach(() => vi.unstubAllGlobals())

  it('goes out in order, one after the other', async () => {
    const server = aServer()
    signedIn()
    const workbench = useWorkbench()
    for (const words of ['一', '二', '三']) workbench.say(aConversation(), [], words)
    expect(workbench.pending).toHaveLength(3)
    await vi.waitFor(() => expect(workbench.pending).toEqual([]))
    expect(said(server)).toEqual(['一', '二', '三'])
    expect(new Set(server.calls.map((call) => call.key)).size).toBe(3)
  })

  it('goes on after a message that was refused, which stays for a person to decide', async () => {
    const server = aServer()
    server.refuses.add('一')
    signedIn()
    const workbench = useWorkbench()
    for (const words of ['一', '二']) workbench.say(aConversation(), [], words)
    await vi.waitFor(() => expect(said(server)).toEqual(['一', '二']))
    await flushPromises()
    expect(workbench.pending.map(({ state }) => state)).toEqual(['failed'])
    const [refused] = workbench.pending
    if (refused) workbench.discard(refused)
    expect(workbench.pending).toEqual([])
  })

  it('waits while the line is lost, and goes out once when it is back, under the same keys', async () => {
    const server = aServer()
    signedIn()
    const realtime = useRealtime()
    const workbench = useWorkbench()
    server.reachable = false
    workbench.say(aConversation(), [], '一')
    await flushPromises()
    realtime.offline = true
    await nextTick()
    workbench.say(aConversation(), [], '二')
    workbench.say(aConversation(), [], '三')
    await flushPromises()
    expect(workbench.pending.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
    const keys = workbench.pending.map(({ key }) => key)
    const third = workbench.pending[2]
    if (third) workbench.discard(third)

    server.reachable = true
    realtime.offline = false
    await vi.waitFor(() => expect(workbench.pending).toEqual([]))
    expect(said(server)).toEqual(['一', '二'])
    expect(server.calls.map((call) => call.key)).toEqual(keys.slice(0, 2))
  })

  it('takes nothing away that comes meanwhile', async () => {
    const server = aServer()
    signedIn()
    const workbench = useWorkbench()
    workbench.replica = withPage(EMPTY, 'thread-1', { items: [aMessage(1)], hasOlder: false })
    workbench.say(aConversation(), [], '一')
    workbench.replica = withMessage(workbench.replica, aMessage(2))
    await vi.waitFor(() => expect(workbench.pending).toEqual([]))
    expect(server.calls).toHaveLength(1)
    const shown = workbench.replica.threads.get('thread-1')?.messages.map(({ seq }) => seq)
    expect(shown).toEqual([1, 2, 101])
  })

  it('is kept over a reload and sent under its old key', async () => {
    const server = aServer()
    server.reachable = false
    signedIn()
    useWorkbench().say(aConversation(), [], '一')
    await flushPromises()
    const [key] = useWorkbench().pending.map((each) => each.key)

    setActivePinia(createPinia())
    server.reachable = true
    signedIn()
    const reloaded = useWorkbench()
    expect(reloaded.pending.map((each) => each.key)).toEqual([key])
    await vi.waitFor(() => expect(server.calls.map((call) => call.key)).toEqual([key]))
  })

  it('is kept for whoever wrote it, and sent by nobody else', async () => {
    const server = aServer()
    server.reachable = false
    const session = signedIn()
    const workbench = useWorkbench()
    workbench.say(aConversation(), [], '一')
    await flushPromises()
    session.current = null
    await nextTick()
    server.reachable = true
    session.current = { ...SESSION, agent: { ...SESSION.agent, id: 'somebody-else' } }
    await flushPromises()
    expect(workbench.pending).toEqual([])
    expect(server.calls).toEqual([])
  })
})

interface Refusal {
  code: string
  details: object
}

describe('pictures', () => {
  const uploads: { settle: (answer: Upload | Refusal | Error) => void; name: string }[] = []
  const picture = (name: string) => new File(['x'], name, { type: 'image/png' })
  const anUpload = (id: string): Upload => ({
    ...{ id, type: 'image', media_type: 'image/png', size_bytes: 1, duration_s: null },
    ...{ width: 4, height: 3, name: 'a.png' },
  })

  beforeEach(() => {
    localStorage.clear()
    uploads.length = 0
    setActivePinia(createPinia())
    URL.createObjectURL = () => 'blob:picture'
    URL.revokeObjectURL = () => undefined
    vi.stubGlobal('XMLHttpRequest', FakeRequest)
  })
  afterEach(() => vi.unstubAllGlobals())

  class FakeRequest {
    upload = { onprogress: null as ((event: object) => void) | null }
    status = 0
    responseText = ''
    onload: (() => void) | null = null
    onerror: (() => void) | null = null
    onabort: (() => void) | null = null
    onloadend: (() => void) | null = null
    open(): void {
      return undefined
    }
    setRequestHeader(): void {
      return undefined
    }
    abort(): void {
      this.onabort?.()
      this.onloadend?.()
    }
    send(form: FormData): void {
      const file = form.get('file')
      const settle = (answer: Upload | Refusal | Error) => {
        if (answer instanceof Error) this.onerror?.()
        else {
          this.status = 'id' in answer ? 201 : 422
          this.responseText = JSON.stringify(answer)
          this.onload?.()
        }
        this.onloadend?.()
      }
      uploads.push({ name: file instanceof File ? file.name : '', settle })
    }
  }

  it('are sent before the words, each once its file is there', async () => {
    const server = aServer()
    signedIn()
    const workbench = useWorkbench()
    workbench.attach('conversation-1', [picture('a.png'), picture('b.png')], () => null)
    const ids = workbench.trayOf('conversation-1').map((each) => each.id)
    workbench.say(aConversation(), ids, '给您')
    expect(workbench.trayOf('conversation-1')).toEqual([])
    uploads[1]?.settle(anUpload('u2'))
    await flushPromises()
    expect(server.calls).toEqual([])
    uploads[0]?.settle(anUpload('u1'))
    await vi.waitFor(() => expect(workbench.pending).toEqual([]))
    expect(said(server)).toEqual(['u1', 'u2', '给您'])
    expect(workbench.attachments).toEqual([])
  })

  it('that the server refuses hold up nothing', async () => {
    const server = aServer()
    signedIn()
    const workbench = useWorkbench()
    workbench.attach('conversation-1', [picture('a.png')], () => null)
    const ids = workbench.trayOf('conversation-1').map((each) => each.id)
    workbench.say(aConversation(), ids, '给您')
    uploads[0]?.settle({ code: 'conversations.upload_refused', details: { reason: 'damaged' } })
    await vi.waitFor(() => expect(said(server)).toEqual(['给您']))
    await flushPromises()
    expect(workbench.pending.map(({ problem }) => problem?.details.reason)).toEqual(['damaged'])
  })

  it('stay in the tray of their conversation, two on their way at once', () => {
    aServer()
    signedIn()
    const workbench = useWorkbench()
    const files = ['a.png', 'b.png', 'c.png'].map(picture)
    workbench.attach('conversation-1', files, () => null)
    expect(workbench.trayOf('conversation-2')).toEqual([])
    expect(workbench.trayOf('conversation-1').map((each) => each.state)).toEqual([
      'uploading',
      'uploading',
      'waiting',
    ])
    expect(uploads.map((each) => each.name)).toEqual(['a.png', 'b.png'])
  })

  it('that broke off go on when the server is there again', async () => {
    aServer()
    signedIn()
    const realtime = useRealtime()
    const workbench = useWorkbench()
    workbench.attach('conversation-1', [picture('a.png')], () => null)
    realtime.offline = true
    uploads[0]?.settle(new Error('line'))
    await flushPromises()
    expect(workbench.attachments[0]?.problem?.code).toBe('core.unreachable')
    realtime.offline = false
    await nextTick()
    expect(uploads).toHaveLength(2)
    uploads[1]?.settle(anUpload('u1'))
    await flushPromises()
    expect(workbench.attachments[0]?.state).toBe('ready')
  })

  it('can be taken out of the tray while they are on their way', async () => {
    aServer()
    signedIn()
    const workbench = useWorkbench()
    workbench.attach('conversation-1', [picture('a.png')], () => null)
    const [one] = workbench.trayOf('conversation-1')
    if (one) workbench.dropAttachment(one.id)
    await flushPromises()
    expect(workbench.attachments).toEqual([])
  })
})
