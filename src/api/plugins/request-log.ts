import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { App } from '../deps.ts'

/**
 * What a request id may look like when it comes from outside: it is put into logs, jobs and answers. Digits alone could be
 * somebody's phone number.
 */
const SAFE_REQUEST_ID = /^(?!\d+$)[A-Za-z0-9._:-]{1,128}$/

/** The id of a request: the caller's `x-request-id` when it is a safe one, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SAFE_REQUEST_ID.test(given) ? given : randomUUID()
}

/** One line per answered request: its route, never its URL, because the query may hold the webhook token. */
export function logRequests(app: App): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        operation: 'request',
        method: request.method,
        path: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        error_code: request.problem ?? undefined,
        duration_ms: Math.round(reply.elapsedTime),
        role: request.caller?.role,
        key_id: request.caller?.id,
      },
      'answered',
    )
  })
}
