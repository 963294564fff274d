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
  const response = await fetch(`/sandbox/api${path}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw new Refused(response.status, answer.error ?? 'failed', answer.detail)
  return answer
}

export const get = (path) => ask('GET', path)
export const post = (path, body = {}) => ask('POST', path, body)

export const accountPath = (appid) => `/accounts/${encodeURIComponent(appid)}`
export const followerPath = (appid, openid) => `${accountPath(appid)}/followers/${encodeURIComponent(openid)}`
