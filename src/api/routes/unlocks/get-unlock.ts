import { Type } from 'typebox'
import { unlockHistory } from '../../../db/unlocks/history.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { serialOf } from '../../ids.ts'
import { notFound, problemResponses } from '../../problem.ts'
import { HistorySchema, historyView } from './schemas.ts'

const schema = {
  tags: ['unlocks'],
  summary: 'An unlock with its timeline, messages, links and payments',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String({ description: 'A serial number' }) }),
  response: { 200: HistorySchema, ...problemResponses(400, 401, 403, 404, 429, 500, 503) },
}

/** GET /api/unlocks/{id} */
export function getUnlock(app: App, { db }: ApiDeps): void {
  app.get('/unlocks/:id', { schema, config: STAFF }, async (request) => {
    const id = serialOf(request.params.id)
    const history = id === null ? null : await unlockHistory(db.em.fork(), id)
    if (history === null) throw notFound('unlock')
    return historyView(history)
  })
}
