import createClient from 'openapi-fetch'

import { Problem, problemOf } from './problems'
import type { paths } from './schema'

const LONGEST_MS = 20_000
const SAFE = new Set(['GET', 'HEAD'])

export interface Credentials {
  /** The token that every unsafe request of this session carries; null before signing in. */
  csrfToken: () => string | null
  /** Called when the server no longer knows the session. */
  signedOut: () => void
}

export type Client = ReturnType<typeof createClient<paths>>

/** Return the only thing in the console that fetches. */
export function openClient(credentials: Credentials): Client {
  const client = createClient<paths>({
    baseUrl: window.location.origin,
    credentials: 'same-origin',
    headers: { Accept: 'application/json' },
    fetch: fetchInTime,
  })
  client.use({
    onRequest({ request }) {
      const token = credentials.csrfToken()
      if (token !== null && !SAFE.has(request.method)) request.headers.set('X-CSRF-Token', token)
      return request
    },
    onResponse({ request, response }) {
      const asksWho = new URL(request.url).pathname === '/api/session'
      if (response.status === 401 && !asksWho) credentials.signedOut()
    },
  })
  return client
}

/** Return the client of a page that a customer opened by a signed link: the token is all it has. */
export function openLinkClient(token: string): Client {
  return createClient<paths>({
    baseUrl: window.location.origin,
    credentials: 'omit',
    headers: { Accept: 'application/json', 'X-Link-Token': token },
    fetch: fetchInTime,
  })
}

async function fetchInTime(request: Request): Promise<Response> {
  try {
    return await globalThis.fetch(request, { signal: AbortSignal.timeout(LONGEST_MS) })
  } catch (error) {
    throw new Problem('core.unreachable', 0, { cause: String(error) })
  }
}

interface Answer<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/** Return what the server answered. Throws a Problem for everything else. */
export async function answered<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await call
  if (!response.ok) throw problemOf(response.status, error)
  return data as Data
}

/** The headers that make a command safe to send again: the server answers the same key with its first answer. */
export function once(key: string): Record<string, string> {
  return { 'Idempotency-Key': key }
}
