import type { FastifyRequest } from 'fastify'
import { isSameSecret } from '../../../domain/same-secret.ts'
import type { App } from '../../deps.ts'
import { ProblemError } from '../../problem.ts'

/**
 * Asks for `?token=` on every route of this scope: TextMagic signs nothing, so the secret is in the URL it calls.
 *
 * @param token null leaves the callbacks open
 */
export function requireToken(scope: App, token: string | null): void {
  scope.addHook('onRequest', async (request) => {
    if (token === null || isSameSecret(presentedToken(request), token)) return
    await scope.refuseAuthentication(request, new ProblemError('unauthorized'))
  })
}

function presentedToken(request: FastifyRequest): string {
  const token: unknown = Reflect.get(Object(request.query), 'token')
  return typeof token === 'string' ? token : ''
}
