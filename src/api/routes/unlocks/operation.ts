import { Type } from 'typebox'
import { unlockHistory } from '../../../db/unlocks/history.ts'
import { type Operation, operate } from '../../../db/unlocks/operations.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { serialOf } from '../../ids.ts'
import { notFound, problemResponses } from '../../problem.ts'
import { wakeUp } from '../../wake-up.ts'
import { HistorySchema, historyView } from './schemas.ts'

/** Adds `POST /api/unlocks/{id}/<operation>`: audited, 409 when the unlock's state does not allow it. */
export function operationRoute(
  app: App,
  deps: ApiDeps,
  operation: Operation,
  summary: string,
  description: string,
): void {
  const schema = {
    tags: ['unlocks'],
    summary,
    description: `${description} Audited.`,
    security: [{ apiKey: [] }],
    params: Type.Object({ id: Type.String({ description: 'A serial number' }) }),
    body: Type.Optional(Type.Object({}, { additionalProperties: false })),
    response: { 200: HistorySchema, ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 500, 503) },
  }
  app.post(`/unlocks/:id/${operation}`, { schema, config: STAFF }, async (request) => {
    const id = serialOf(request.params.id)
    const done = id === null ? null : await operate(deps.db.em, id, operation, actorOf(request))
    if (id === null || done === null) throw notFound('unlock')
    await wakeUp(deps.publisher, done.due, { requestId: request.id })
    const history = await unlockHistory(deps.db.em.fork(), id)
    if (history === null) throw notFound('unlock')
    return historyView(history)
  })
}
