import formbody from '@fastify/formbody'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { actorOf } from '../auth/caller.ts'
import { isStaff } from '../auth/roles.ts'
import type { App } from '../deps.ts'
import { answerWith, problemFor } from '../errors.ts'
import { allowPage } from '../plugins/security-headers.ts'
import { ProblemError } from '../problem.ts'
import type { Access } from './access.ts'
import { BOARD_PATH, SIGN_IN_PATH, SIGN_OUT_PATH } from './paths.ts'
import { SIGN_IN_PAGE, signedInPage, signInPage } from './sign-in-page.ts'

const Form = Type.Object({ key: Type.String({ pattern: '\\S', maxLength: 1000 }) })
const FORM_LIMIT = 4 * 1024

/** The pages where an API key is exchanged for a session of the queue board, and where the session is ended. */
export async function signInRoutes(scope: App, { identify, sessions, cookie, isFromOwnPage }: Access): Promise<void> {
  await scope.register(formbody)
  allowPage(scope, SIGN_IN_PAGE)
  scope.setErrorHandler((error, request, reply) => {
    const problem = problemFor(error)
    if (problem.status >= 500) request.log.error({ err: error, operation: 'sign-in' }, problem.code)
    const why = problem.status >= 500 ? 'Something of ours is away. Try again in a moment.' : `${problem.message}.`
    return sendPage(answerWith(problem, reply), signInPage(why))
  })

  scope.get(SIGN_IN_PATH, { schema: { hide: true } }, async (request, reply) => {
    const caller = await sessions.find(request.cookies[cookie.name] ?? '')
    return sendPage(reply, caller === null ? signInPage(null) : signedInPage(caller))
  })

  scope.post(SIGN_IN_PATH, { schema: { hide: true }, bodyLimit: FORM_LIMIT }, async (request, reply) => {
    // A page of another site could sign its visitor in with a key of its own, and have what they do noted under its name.
    if (!isFromOwnPage(request)) throw foreignForm()
    if (!Value.Check(Form, request.body)) throw new ProblemError('invalid-request', 'Enter an API key')
    const key = request.body.key.trim()
    request.caller = await identify(key)
    if (request.caller !== null && !isStaff(request.caller)) {
      throw new ProblemError('forbidden', 'This key may create leads, but not see the queues')
    }
    const token = request.caller === null ? null : await sessions.begin(key, actorOf(request))
    if (token === null) {
      const unknown = new ProblemError('unauthorized', 'This key is unknown or was revoked')
      return scope.refuseAuthentication(request, unknown)
    }
    await sessions.end(request.cookies[cookie.name] ?? '', request.id)
    return reply.setCookie(cookie.name, token, cookie.options).redirect(BOARD_PATH, 303)
  })

  scope.post(SIGN_OUT_PATH, { schema: { hide: true }, bodyLimit: FORM_LIMIT }, async (request, reply) => {
    if (!isFromOwnPage(request)) throw foreignForm()
    await sessions.end(request.cookies[cookie.name] ?? '', request.id)
    return reply.clearCookie(cookie.name, cookie.options).redirect(SIGN_IN_PATH, 303)
  })
}

function foreignForm(): ProblemError {
  return new ProblemError('forbidden', 'This form was not sent from this page. Try again here')
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}
