import { Type } from 'typebox'
import { listLeads as findLeads } from '../../../db/lists/lead-list.ts'
import { STAFF } from '../../auth/roles.ts'
import { DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { parseFrom, parseTo, TimeBound } from '../../time.ts'
import { LeadSchema, leadView, UnlockStatusSchema } from './schemas.ts'

const Position = Type.Object({
  createdMicros: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  id: Type.String({ maxLength: 64, pattern: '^[a-z0-9_]+$' }),
})

const schema = {
  tags: ['leads'],
  summary: 'Leads, newest first',
  description: 'Pages stay as they are while new leads arrive. Never with locked fields.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    {
      city: Type.Optional(Type.String({ maxLength: 100, description: 'Exactly as the lead has it' })),
      created_from: Type.Optional({ ...TimeBound, description: 'Inclusive' }),
      created_to: Type.Optional({ ...TimeBound, description: 'Exclusive' }),
      unlock_status: Type.Optional(UnlockStatusSchema),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ leads: Type.Array(LeadSchema), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/leads */
export function listLeads(app: App, { db }: ApiDeps): void {
  app.get('/leads', { schema, config: STAFF }, async (request) => {
    const { city, created_from, created_to, unlock_status, cursor, limit = DEFAULT_LIMIT } = request.query
    const filter = {
      city,
      createdFrom: parseFrom(created_from, 'created_from'),
      createdTo: parseTo(created_to, 'created_to'),
      unlockStatus: unlock_status,
    }
    const found = await findLeads(db.em.fork(), filter, decodeCursor(Position, cursor), limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ place }) => place)
    return { leads: page.map(({ row }) => leadView(row)), next_cursor }
  })
}
