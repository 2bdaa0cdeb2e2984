import type { CookieSerializeOptions } from '@fastify/cookie'
import { SESSION_HOURS } from '../../db/access/board-sessions.ts'
import { ADMIN_PATH } from './paths.ts'

export type SessionCookie = { name: string; options: CookieSerializeOptions }

const NAME = 'lead_unlock_board'
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * The cookie that holds a session's token: out of reach for scripts, never sent by a page of another site, and only over
 * TLS, except on a laptop. Its name begins with `__Secure-` then, so that no page without TLS can plant one; `__Host-`
 * would need the path `/`, and other paths have no use for it.
 *
 * @param publicUrl where the API is reached from outside
 * @param production NODE_ENV=production, where there is no exception
 */
export function sessionCookie(publicUrl: string, production: boolean): SessionCookie {
  const { protocol, hostname } = new URL(publicUrl)
  const secure = production || protocol === 'https:' || !LOOPBACK.test(hostname)
  return {
    name: secure ? `__Secure-${NAME}` : NAME,
    options: { path: ADMIN_PATH, httpOnly: true, sameSite: 'strict', secure, maxAge: SESSION_HOURS * 3600 },
  }
}
