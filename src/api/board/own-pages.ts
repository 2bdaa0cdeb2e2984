import type { FastifyRequest } from 'fastify'

/**
 * Whether a browser says that one of our own pages sent the request. A page of another site can make a browser send
 * requests here, but not lie about where they come from. Browsers say `Sec-Fetch-Site` over TLS and to localhost; else
 * the `Origin` of everything but GET and HEAD is looked at. Who says neither is no browser we know.
 *
 * @param publicUrl where the API is reached from outside, in case a proxy changes the Host header
 */
export function isFromOwnPage({ headers }: Pick<FastifyRequest, 'headers'>, publicUrl: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = headers
  if (origin === undefined) return false
  return origin === new URL(publicUrl).origin || (URL.canParse(origin) && new URL(origin).host === host)
}
