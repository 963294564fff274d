/** How a link is made, in the languages that companies' sites are written in. The same as in the documents. */
export type Language = 'python' | 'node' | 'php'

export const EXAMPLES: Record<Language, string> = {
  python: `import hashlib, hmac, time
from urllib.parse import quote

def identity_link(user, secret, **attributes):
    given = {"user": user, "expires": str(int(time.time()) + 600), **attributes}
    signed = "&".join(f"{quote(name, safe='')}={quote(given[name], safe='')}" for name in sorted(given))
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return f"{address}?{signed}&signature={signature}"`,
  node: `import { createHmac } from 'node:crypto'

const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => '%' + one.charCodeAt(0).toString(16).toUpperCase())

export function identityLink(user, secret, attributes = {}) {
  const given = { user, expires: String(Math.floor(Date.now() / 1000) + 600), ...attributes }
  const signed = Object.keys(given).sort().map((name) => encoded(name) + '=' + encoded(given[name])).join('&')
  const signature = createHmac('sha256', secret).update(signed).digest('hex')
  return '{address}?' + signed + '&signature=' + signature
}`,
  php: `function identity_link(string $user, string $secret, array $attributes = []): string {
    $given = ['user' => $user, 'expires' => (string) (time() + 600)] + $attributes;
    ksort($given, SORT_STRING);
    $signed = http_build_query($given, '', '&', PHP_QUERY_RFC3986);
    $signature = hash_hmac('sha256', $signed, $secret);
    return '{address}?' . $signed . '&signature=' . $signature;
}`,
}
