import type { FastifyInstance } from 'fastify'
import type { EventCause } from '../ledger/records.ts'
import type { State } from '../ledger/state.ts'
import { expand } from './expand.ts'
import type { RawObject } from './form.ts'
import { list, optional, text } from './params.ts'
import { requestState } from './request-state.ts'

export type ApiCall = {
  /** The parameters sent, without `expand`, which every route takes. */
  params: RawObject
  /** The id in the path, empty when there is none. */
  id: string
  path: string
  /** What events caused by this call name as their request. */
  cause: EventCause
}

/**
 * Adds one API route. The handler is synchronous, so a request is done in one step and no other sees half of it.
 */
export function defineRoute(
  app: FastifyInstance,
  state: State,
  method: 'GET' | 'POST',
  url: string,
  handle: (call: ApiCall) => unknown,
): void {
  app.route<{ Params: { id?: string } }>({
    method,
    url,
    handler: async (request) => {
      const { params, requestId, idempotencyKey, log } = requestState(request)
      const { expand: expandParam, ...rest } = params
      const paths = optional(list(text(), 20))(expandParam, 'expand') ?? []
      const cause = { id: requestId, idempotency_key: idempotencyKey }
      return expand(handle({ params: rest, id: request.params.id ?? '', path: log.path, cause }), paths, state)
    },
  })
}
