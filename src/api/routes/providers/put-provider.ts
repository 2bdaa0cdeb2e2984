import { Type } from 'typebox'
import { PhoneTakenError, putProvider as storeProvider } from '../../../db/providers/providers.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { ProblemError, problemResponses, unacceptable } from '../../problem.ts'
import { wakeUp } from '../../wake-up.ts'
import { DetailsSchema, type Read, readDetails, readProviderId } from './details.ts'
import { ProviderSchema, providerView } from './schemas.ts'

const schema = {
  tags: ['providers'],
  summary: 'Store a provider as a whole',
  description:
    'Audited. What is left out is emptied. A STOP of theirs stays in force: only they can take it back, by text. A number ' +
    'that has said STOP opts out whoever gets it, and ends their open offers.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
  body: DetailsSchema,
  response: {
    200: Type.Object({ provider: ProviderSchema }),
    201: Type.Object({ provider: ProviderSchema }),
    ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 500, 503),
  },
}

/** PUT /api/providers/{id} */
export function putProvider(app: App, { db, publisher }: ApiDeps): void {
  app.put('/providers/:id', { schema, config: STAFF }, async (request, reply) => {
    const details = orUnacceptable(readDetails(request.body))
    const id = orUnacceptable(readProviderId(request.params.id))
    try {
      const { provider, created, due } = await storeProvider(db.em, id, details, actorOf(request))
      await wakeUp(publisher, due, { requestId: request.id })
      return reply.code(created ? 201 : 200).send({ provider: providerView(provider) })
    } catch (error) {
      if (!(error instanceof PhoneTakenError)) throw error
      throw new ProblemError('phone-taken', undefined, [{ field: 'phone', message: 'belongs to another provider' }])
    }
  })
}

function orUnacceptable<T>({ value, errors }: Read<T>): T {
  if (value === null) throw unacceptable(...errors)
  return value
}
