import { Type } from 'typebox'
import { listProviders as findProviders } from '../../../db/providers/providers.ts'
import { STAFF } from '../../auth/roles.ts'
import { DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { ProviderSchema, providerView } from './schemas.ts'

/** The id of the last provider of a page. */
const Position = Type.String({ minLength: 1, maxLength: 64, pattern: '^\\P{Cc}+$' })

const schema = {
  tags: ['providers'],
  summary: 'Providers, by id',
  description: 'Pages stay as they are while new providers arrive: each of them has its place by id.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    {
      search: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 100,
          pattern: '\\S',
          description:
            'The beginning of the id, of the phone number (with or without its country code) or of a word of the name',
        }),
      ),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ providers: Type.Array(ProviderSchema), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/providers */
export function listProviders(app: App, { db }: ApiDeps): void {
  app.get('/providers', { schema, config: STAFF }, async (request) => {
    const { search, cursor, limit = DEFAULT_LIMIT } = request.query
    const found = await findProviders(db.em.fork(), search?.trim(), decodeCursor(Position, cursor), limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ id }) => id)
    return { providers: page.map(providerView), next_cursor }
  })
}
