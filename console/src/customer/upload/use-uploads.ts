import { ref } from 'vue'

import { asProblem, Problem } from '@/api/problems'
import { sendFile } from '@/api/upload'
import { freshKey } from '@/lib/ids'

export interface Handing {
  key: string
  file: File
  state: 'waiting' | 'sending' | 'done' | 'failed'
  /** From 0 to 1. */
  progress: number
  problem: Problem | null
}

/** Files on their way through a link, one after the other. */
export function useUploads(
  token: string,
  mostBytes: () => number,
  arrived: (left: number) => void,
) {
  const all = ref<Handing[]>([])
  let busy = false

  function add(files: readonly File[]): void {
    for (const file of files) {
      const problem = refusalOf(file)
      all.value.push({
        ...{ key: freshKey(), file, progress: 0, problem },
        state: problem === null ? 'waiting' : 'failed',
      })
    }
    void pump()
  }

  function refusalOf({ size }: File): Problem | null {
    if (size === 0) return refused({ reason: 'empty' })
    const most = mostBytes()
    return size > most ? refused({ reason: 'too_large', bytes: size, most_bytes: most }) : null
  }

  async function pump(): Promise<void> {
    if (busy) return
    busy = true
    for (;;) {
      const next = all.value.find((each) => each.state === 'waiting')
      if (next === undefined) break
      await send(next)
    }
    busy = false
  }

  async function send(one: Handing): Promise<void> {
    one.state = 'sending'
    try {
      const { files_left: left } = await sendFile<{ files_left: number }>({
        path: `/api/pages/upload/files?key=${one.key}`,
        file: one.file,
        headers: { 'X-Link-Token': token },
        progress: (share) => (one.progress = share),
        signal: new AbortController().signal,
      })
      one.state = 'done'
      arrived(left)
    } catch (error) {
      one.problem = asProblem(error)
      one.state = 'failed'
    }
  }

  function again(one: Handing): void {
    one.problem = null
    one.progress = 0
    one.state = 'waiting'
    void pump()
  }

  return { all, add, again }
}

function refused(details: Record<string, unknown>): Problem {
  return new Problem('conversations.upload_refused', 422, details)
}
