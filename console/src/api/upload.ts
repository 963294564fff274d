/** Sending a file. `fetch` cannot tell how far an upload has got, so this alone uses the older way. */
import { Problem, problemOf } from './problems'

export interface Uploading {
  path: string
  file: File
  headers: Readonly<Record<string, string>>
  /** Called with the share that is on its way, from 0 to 1. */
  progress: (share: number) => void
  signal: AbortSignal
}

/** Nothing has moved for so long: the line is dead. */
const SILENCE_MS = 30_000
/** All of it is there: the server may have to convert it before it answers. */
const ANSWER_MS = 120_000

/** Return what the server answered. Throws a Problem for everything else. */
export function sendFile<Answer>(uploading: Uploading): Promise<Answer> {
  const request = new XMLHttpRequest()
  return new Promise<Answer>((resolve, reject) => {
    const unreachable = (why: string) => reject(new Problem('core.unreachable', 0, { cause: why }))
    let alarm: ReturnType<typeof setTimeout> | undefined
    const alive = (patience = SILENCE_MS) => {
      clearTimeout(alarm)
      alarm = setTimeout(() => request.abort(), patience)
    }
    request.open('POST', uploading.path)
    for (const [name, value] of Object.entries({
      Accept: 'application/json',
      ...uploading.headers,
    }))
      request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => {
      alive()
      if (total > 0) uploading.progress(loaded / total)
    }
    request.upload.onload = () => alive(ANSWER_MS)
    request.onload = () => {
      const body = parsed(request.responseText)
      if (request.status >= 200 && request.status < 300) resolve(body as Answer)
      else reject(problemOf(request.status, body))
    }
    request.onerror = () => unreachable('error')
    request.onabort = () => unreachable('aborted')
    request.onloadend = () => clearTimeout(alarm)
    uploading.signal.addEventListener('abort', () => request.abort())
    alive()
    request.send(formOf(uploading.file))
  })
}

function formOf(file: File): FormData {
  const form = new FormData()
  form.append('file', file, file.name)
  return form
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
