import { Type } from 'typebox'
import { listEscalations as findEscalations } from '../../../db/lists/escalation-list.ts'
import { STAFF } from '../../auth/roles.ts'
import { DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { Serial } from '../../ids.ts'
import { problemResponses } from '../../problem.ts'
import { EscalationSchema, escalationView } from './schemas.ts'

const schema = {
  tags: ['escalations'],
  summary: 'What a person must look at, newest first',
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    { state: Type.Optional(Type.Enum(['open', 'resolved', 'all'], { default: 'open' })), ...pageQuery },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ escalations: Type.Array(EscalationSchema), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/escalations */
export function listEscalations(app: App, { db }: ApiDeps): void {
  app.get('/escalations', { schema, config: STAFF }, async (request) => {
    const { state = 'open', cursor, limit = DEFAULT_LIMIT } = request.query
    const found = await findEscalations(db.em.fork(), state, decodeCursor(Serial, cursor), limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ id }) => id)
    return { escalations: page.map(escalationView), next_cursor }
  })
}
