import { Type } from 'typebox'
import { listEscalations as findEscalations } from '../../../db/views.ts'
import { STAFF } from '../../auth/roles.ts'
import { DEFAULT_LIMIT, decodeCursor, encodeCursor, nextCursor, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { EscalationSchema, escalationView } from './schemas.ts'

/** The id of the last escalation of a page. */
const Position = Type.Integer({ minimum: 1, maximum: 2_147_483_647 })

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
    const found = await findEscalations(db.em.fork(), state, decodeCursor(Position, cursor), limit + 1)
    const page = found.slice(0, limit)
    return {
      escalations: page.map(escalationView),
      next_cursor: found.length > limit ? encodeCursor(page.at(-1)?.id) : null,
    }
  })
}
