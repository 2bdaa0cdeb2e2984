import { Type } from 'typebox'
import { findProvider } from '../../../db/providers/providers.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { notFound, problemResponses } from '../../problem.ts'
import { ProviderSchema, providerView } from './schemas.ts'

const schema = {
  tags: ['providers'],
  summary: 'A provider',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String() }),
  response: { 200: Type.Object({ provider: ProviderSchema }), ...problemResponses(400, 401, 403, 404, 429, 500, 503) },
}

/** GET /api/providers/{id} */
export function getProvider(app: App, { db }: ApiDeps): void {
  app.get('/providers/:id', { schema, config: STAFF }, async (request) => {
    const provider = await findProvider(db.em.fork(), request.params.id.trim())
    if (provider === null) throw notFound('provider')
    return { provider: providerView(provider) }
  })
}
