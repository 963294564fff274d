// The control API of the stand-in.

export class Refused extends Error {
  constructor(status, code, detail) {
    super(code)
    this.status = status
    this.code = code
    this.detail = detail
  }
}

async function ask(method, path, body) {
  const isJson = body !== undefined && !(body instanceof FormData)
  const response = await fetch(`/sandbox/api${path}`, {
    method,
    headers: isJson ? { 'content-type': 'application/json' } : {},
    body: isJson ? JSON.stringify(body) : body,
  })
  const answer = await response.json()
  if (!response.ok) throw new Refused(response.status, answer.error ?? 'failed', answer.detail)
  return answer
}

export const get = (path) => ask('GET', path)
export const post = (path, body = {}) => ask('POST', path, body)

export const remove = (path) => ask('DELETE', path)

export function upload(path, file, type) {
  const form = new FormData()
  form.append('file', file, file.name || 'pasted')
  if (type) form.append('type', type)
  return ask('POST', path, form)
}

export const accountPath = (appid) => `/accounts/${encodeURIComponent(appid)}`
export const followerPath = (appid, openid) => `${accountPath(appid)}/followers/${encodeURIComponent(openid)}`
