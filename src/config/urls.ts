/** A URL that `fetch` takes: it refuses those that carry a user name or password. */
export function isHttpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === ''
}

/** A URL to put paths after: without a query or fragment. */
export function isBaseUrl(text: string): boolean {
  return isHttpUrl(text) && !/[?#]/.test(text)
}

/** A base URL whose paths are somebody else's to choose. */
export function isHostUrl(text: string): boolean {
  return isBaseUrl(text) && new URL(text).pathname === '/'
}

/** As a browser names a site: scheme, host and port, nothing after it, no wildcard. */
export function isOrigin(text: string): boolean {
  return isHttpUrl(text) && new URL(text).origin === text && !text.includes('*')
}

/** The base URL without slashes at its end, so that `${base}/path` is right. */
export function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
