import type { FastifyRequest } from 'fastify'
import type { App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import type { Identify } from './keyring.ts'

/** Asks for an API key on every route of this scope, before anything of the body is read. */
export function requireBearer(scope: App, identify: Identify): void {
  scope.addHook('onRequest', async (request, reply) => {
    const presented = bearerOf(request)
    request.caller = presented === null ? null : await identify(presented)
    if (request.caller !== null) return
    reply.header('www-authenticate', 'Bearer realm="lead-unlock"')
    await scope.refuseAuthentication(request, new ProblemError('unauthorized'))
  })
}

/** The key in the Authorization header; null when there is none. */
export function bearerOf(request: Pick<FastifyRequest, 'headers'>): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
}
