import { ref } from 'vue'

import { asProblem, type Problem } from '@/api/problems'
import type { Upload } from '@/api/types'
import { freshKey } from '@/lib/ids'

import type { FileKind } from '../outbox'

/** How many files are on their way at once: the line is also needed for words. */
const AT_ONCE = 2
export const MOST_ATTACHMENTS = 9

export interface Attachment {
  id: string
  conversationId: string
  name: string
  /** What it is to be sent as. */
  kind: FileKind
  sizeBytes: number
  /** Shows the file before it is anywhere else. */
  url: string
  /** In CSS pixels as the browser shows it; null until it was looked at. */
  width: number | null
  height: number | null
  /** `asking`: a sound that may be meant as a voice or as a file. */
  state: 'asking' | 'waiting' | 'uploading' | 'ready' | 'failed'
  /** From 0 to 1. */
  progress: number
  uploadId: string | null
  problem: Problem | null
  /** It left the tray: a message waits for it. */
  sent: boolean
}

export interface Transfer {
  path: string
  file: File
  key: string
  progress: (share: number) => void
  signal: AbortSignal
}

interface Held {
  file: File
  key: string
  stop: AbortController
}

/** Files on their way to the server, whichever conversation is looked at. `moved` hears of each that settled. */
export function openAttachments(
  upload: (transfer: Transfer) => Promise<Upload>,
  moved: () => void,
) {
  const all = ref<Attachment[]>([])
  const held = new Map<string, Held>()

  /** Put files into a conversation's tray and send them; those that `refusal` has a problem with stay there. */
  function add(
    conversationId: string,
    files: readonly File[],
    refusal: (file: File) => Problem | null,
  ): void {
    const added = files.map((file): Attachment => {
      const id = freshKey()
      held.set(id, { file, key: freshKey(), stop: new AbortController() })
      return attachmentOf(file, { id, conversationId, problem: refusal(file) })
    })
    all.value = [...all.value, ...added]
    pump()
  }

  function change(id: string, to: Partial<Attachment>): void {
    all.value = all.value.map((each) => (each.id === id ? { ...each, ...to } : each))
  }

  /** Begin what waits, as far as there is room. */
  function pump(): void {
    const running = all.value.filter((each) => each.state === 'uploading').length
    const waiting = all.value.filter((each) => each.state === 'waiting')
    for (const each of waiting.slice(0, Math.max(0, AT_ONCE - running))) void begin(each)
  }

  async function begin({ id, conversationId, kind }: Attachment): Promise<void> {
    const one = held.get(id)
    if (one === undefined) return
    change(id, { state: 'uploading', progress: 0, problem: null })
    try {
      const { id: uploadId } = await upload({
        path: `/api/conversations/${conversationId}/uploads?as=${kind}`,
        file: one.file,
        key: one.key,
        progress: (share) => change(id, { progress: share }),
        signal: one.stop.signal,
      })
      change(id, { state: 'ready', progress: 1, uploadId })
    } catch (error) {
      change(id, { state: 'failed', problem: asProblem(error) })
    }
    pump()
    moved()
  }

  /** Put a recording into the tray that was made to be sent as a voice, and return its id. */
  function addVoice(conversationId: string, file: File): string {
    const id = freshKey()
    held.set(id, { file, key: freshKey(), stop: new AbortController() })
    const own = { id, conversationId, problem: null }
    all.value = [...all.value, { ...attachmentOf(file, own), kind: 'voice', state: 'waiting' }]
    pump()
    return id
  }

  /** A sound is meant so. */
  function decide(id: string, kind: FileKind): void {
    if (all.value.find((each) => each.id === id)?.state !== 'asking') return
    change(id, { kind, state: 'waiting' })
    pump()
  }

  function again(id: string): void {
    if (all.value.find((each) => each.id === id)?.state !== 'failed') return
    change(id, { state: 'waiting', problem: null })
    pump()
  }

  /** What broke off because the server was out of reach. */
  function broken(): Attachment[] {
    return all.value.filter((each) => each.state === 'failed' && each.problem?.isPassing === true)
  }

  function drop(id: string): void {
    const one = all.value.find((each) => each.id === id)
    if (one === undefined) return
    held.get(id)?.stop.abort()
    held.delete(id)
    URL.revokeObjectURL(one.url)
    all.value = all.value.filter((each) => each.id !== id)
  }

  return {
    all,
    add,
    addVoice,
    decide,
    again,
    hasBroken: () => broken().length > 0,
    /** Try again what broke off. */
    resume: () => {
      for (const { id } of broken()) again(id)
    },
    drop,
    find: (id: string) => all.value.find((each) => each.id === id),
    /** The tray of a conversation: what was added and not sent yet. */
    trayOf: (conversationId: string) =>
      all.value.filter((each) => each.conversationId === conversationId && !each.sent),
    measured: (id: string, width: number, height: number) => change(id, { width, height }),
    markSent: (id: string) => change(id, { sent: true }),
    forget: () => {
      for (const { id } of all.value) drop(id)
    },
  }
}

export type Attachments = ReturnType<typeof openAttachments>

/** What a file is to be sent as, as far as its type tells; the server looks at what is in it. */
export function kindOf({ type, name }: Pick<File, 'type' | 'name'>): FileKind {
  if (/^image\/(png|jpeg|gif|webp|bmp|x-ms-bmp)$/.test(type)) return 'image'
  if (type.startsWith('audio/') || /\.(amr|m4a|mp3|wav)$/i.test(name)) return 'voice'
  if (type.startsWith('video/')) return 'video'
  return 'file'
}

function attachmentOf(
  file: File,
  own: Pick<Attachment, 'id' | 'conversationId' | 'problem'>,
): Attachment {
  const kind = kindOf(file)
  const state = kind === 'voice' ? 'asking' : 'waiting'
  return {
    ...own,
    name: file.name,
    kind,
    sizeBytes: file.size,
    url: URL.createObjectURL(file),
    width: null,
    height: null,
    state: own.problem === null ? state : 'failed',
    progress: 0,
    uploadId: null,
    sent: false,
  }
}
