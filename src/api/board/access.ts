import type { FastifyRequest } from 'fastify'
import { bearerOf } from '../../bearer.ts'
import { askForKey } from '../auth/bearer.ts'
import type { Identify } from '../auth/keyring.ts'
import { isStaff } from '../auth/roles.ts'
import type { App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import { BOARD_PATH, SIGN_IN_PATH } from './paths.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { Sessions } from './sessions.ts'

/** What decides who gets to the board. */
export type Access = {
  identify: Identify
  sessions: Sessions
  cookie: SessionCookie
  isFromOwnPage(request: FastifyRequest): boolean
}

/**
 * Asks for a session on every route of this scope, or for an API key as under /api: for admins and operators. Without
 * either a page leads a browser to the sign-in, and everything else is refused. With a session, what changes something must
 * come from a page of ours; a key is sent by no browser on its own.
 */
export function requireStaff(scope: App, { identify, sessions, cookie, isFromOwnPage }: Access): void {
  scope.addHook('onRequest', async (request, reply) => {
    const key = bearerOf(request)
    if (key !== null) request.caller = await identify(key)
    else request.caller = await sessions.find(request.cookies[cookie.name] ?? '')

    if (request.caller === null) {
      if (key === null && isPage(request)) return reply.redirect(SIGN_IN_PATH, 303)
      askForKey(reply)
      // Nobody guesses a session's token, and a page left open overnight goes on asking: that is no failed attempt.
      if (key === null) throw new ProblemError('unauthorized', `Sign in at ${SIGN_IN_PATH}`)
      await scope.refuseAuthentication(request, new ProblemError('unauthorized'))
    }
    if (request.caller === null || !isStaff(request.caller)) throw new ProblemError('forbidden')
    if (key === null && changes(request) && !isFromOwnPage(request)) throw new ProblemError('forbidden')
  })
}

/** Asked for by a browser that goes there: a program that follows redirects would take the sign-in for the board. */
function isPage(request: FastifyRequest): boolean {
  const isBrowser = request.headers.accept?.includes('text/html') ?? false
  return isBrowser && !changes(request) && !/^\/(?:api|static)\//.test(request.url.slice(BOARD_PATH.length))
}

function changes({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}
