import type { App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import type { Identify } from './keyring.ts'

/**
 * Asks for HTTP basic authentication on every route of this scope: user `admin`, the admin key as the password. A
 * browser adds it to requests of other sites' pages as well, so that those are refused.
 */
export function requireAdminInBrowser(scope: App, identify: Identify): void {
  scope.addHook('onRequest', async (request, reply) => {
    const password = passwordOfAdmin(request.headers.authorization)
    request.caller = password === undefined ? null : await identify(password)
    if (request.caller?.role !== 'admin') {
      reply.header('www-authenticate', 'Basic realm="lead-unlock", charset="UTF-8"')
      await scope.refuseAuthentication(request, new ProblemError('unauthorized'))
    }
    const site = request.headers['sec-fetch-site']
    if (request.method !== 'GET' && site !== undefined && site !== 'same-origin') throw new ProblemError('forbidden')
  })
}

function passwordOfAdmin(header: string | undefined): string | undefined {
  const credentials = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header ?? '')?.[1]
  if (credentials === undefined) return undefined
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8')) ?? []
  return user === 'admin' ? password : undefined
}
