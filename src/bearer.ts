import type { IncomingHttpHeaders } from 'node:http'

/** The key in an Authorization header (RFC 6750); null when there is none. */
export function bearerOf({ headers }: { headers: IncomingHttpHeaders }): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null
}
