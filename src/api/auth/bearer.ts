import type { App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import type { KeyName } from './keyring.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose API key the request carries; null outside /api. */
    keyName: KeyName | null
  }
}

/**
 * Asks for an API key on every route of this scope, before anything of the body is read.
 *
 * @param identify tells whose key it is
 */
export function requireBearer(scope: App, identify: (presented: string) => KeyName | null): void {
  scope.addHook('onRequest', async (request, reply) => {
    const presented = /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    request.keyName = presented === undefined ? null : identify(presented)
    if (request.keyName !== null) return
    reply.header('www-authenticate', 'Bearer realm="lead-unlock"')
    await scope.refuseAuthentication(request, new ProblemError('unauthorized'))
  })
}

/** The name of the key, for the audit log. */
export function callerOf(request: { keyName: KeyName | null }): KeyName {
  if (request.keyName === null) throw new ProblemError('unauthorized')
  return request.keyName
}
