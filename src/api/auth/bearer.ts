import type { FastifyReply, FastifyRequest } from 'fastify'
import { bearerOf } from '../../bearer.ts'
import type { App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import type { Caller } from './caller.ts'
import type { Identify } from './keyring.ts'

/** Asks for an API key on every route of this scope, before anything of the body is read. */
export function requireBearer(scope: App, identify: Identify): void {
  scope.addHook('onRequest', async (request, reply) => {
    await authenticate(scope, identify, request, reply)
  })
}

/**
 * Finds out whose API key a request carries.
 *
 * @throws {ProblemError} unauthorized, or too-many-failures
 */
export async function authenticate(
  app: App,
  identify: Identify,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Caller> {
  const presented = bearerOf(request)
  request.caller = presented === null ? null : await identify(presented)
  if (request.caller !== null) return request.caller
  askForKey(reply)
  return app.refuseAuthentication(request, new ProblemError('unauthorized'))
}

/** Says with a 401 how to authenticate (RFC 9110, section 11.6.1). */
export function askForKey(reply: FastifyReply): void {
  reply.header('www-authenticate', 'Bearer realm="lead-unlock"')
}
