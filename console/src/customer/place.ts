/** What a customer's address opens: one page, and the token that says for whom. */
export interface Place {
  purpose: string
  token: string
}

/** Read `/c/<purpose>/<token>`; null where it is no such address. */
export function placeOf(path: string): Place | null {
  const [, purpose, token] = /^\/c\/([a-z-]+)\/([\w.-]+)\/?$/.exec(path) ?? []
  return purpose === undefined || token === undefined ? null : { purpose, token }
}
