import { Type } from 'typebox'
import { listUnlocks as findUnlocks } from '../../../db/lists/unlock-list.ts'
import { STAFF } from '../../auth/roles.ts'
import { CreationPlace, DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { filterOf, unlockFilterQuery } from './filter.ts'
import { UnlockSchema, unlockView } from './schemas.ts'

const schema = {
  tags: ['unlocks'],
  summary: 'Unlocks, newest first',
  description: 'Pages stay as they are while new unlocks arrive. GET /api/unlocks/{id} tells the story of one.',
  security: [{ apiKey: [] }],
  querystring: Type.Object({ ...unlockFilterQuery, ...pageQuery }, { additionalProperties: false }),
  response: {
    200: Type.Object({ unlocks: Type.Array(UnlockSchema), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/unlocks */
export function listUnlocks(app: App, { db }: ApiDeps): void {
  app.get('/unlocks', { schema, config: STAFF }, async (request) => {
    const { cursor, limit = DEFAULT_LIMIT, ...filter } = request.query
    const found = await findUnlocks(db.em.fork(), filterOf(filter), decodeCursor(CreationPlace, cursor), limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ place }) => place)
    return { unlocks: page.map(({ row }) => unlockView(row)), next_cursor }
  })
}
