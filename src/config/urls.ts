/** The URL, when the text is one of these schemes (with the colon, `https:`) and names a host. */
function parseUrl(text: string, schemes: readonly string[]): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && schemes.includes(url.protocol) ? url : null
}

/** A Postgres connection string. The host may be left to its query, as for a socket in the file system. */
export function isPostgresUrl(text: string): boolean {
  return parseUrl(text, ['postgres:', 'postgresql:']) !== null
}

export function isRedisUrl(text: string): boolean {
  const url = parseUrl(text, ['redis:', 'rediss:'])
  return url !== null && url.hostname !== ''
}

/** A URL that `fetch` takes: it refuses those that carry a user name or password. */
export function isHttpUrl(text: string): boolean {
  const url = parseUrl(text, ['http:', 'https:'])
  return url !== null && url.username === '' && url.password === ''
}

/** A URL to put paths after: without a query or fragment. */
export function isBaseUrl(text: string): boolean {
  return isHttpUrl(text) && !/[?#]/.test(text)
}

/** As a browser names a site: scheme, host and port, nothing after it, no wildcard. */
export function isOrigin(text: string): boolean {
  return isHttpUrl(text) && new URL(text).origin === text && !text.includes('*')
}

/** The base URL without slashes at its end, so that `${base}/path` is right. */
export function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
