import { type Static, Type } from 'typebox'
import { PhoneTakenError, type ProviderDetails, putProvider as storeProvider } from '../../../db/providers.ts'
import { cleanText } from '../../../domain/clean-text.ts'
import { normalisePhone } from '../../../domain/phone.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { type FieldError, ProblemError, problemResponses, unacceptable } from '../../problem.ts'
import { ProviderSchema, providerView } from './schemas.ts'

const Body = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    phone: Type.String({
      minLength: 1,
      maxLength: 40,
      description: 'Stored as E.164; without a + it is read as a US number',
    }),
    email: Type.Optional(Type.Union([Type.String({ maxLength: 254, format: 'email' }), Type.Null()])),
    time_zone: Type.Optional(
      Type.Union([Type.String({ maxLength: 64 }), Type.Null()], { description: 'IANA name, such as America/New_York' }),
    ),
  },
  { additionalProperties: false },
)

const schema = {
  tags: ['providers'],
  summary: 'Store a provider as a whole',
  description:
    'Audited. What is left out is emptied. A STOP of theirs stays in force: only they can take it back, by text.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
  body: Body,
  response: {
    200: Type.Object({ provider: ProviderSchema }),
    201: Type.Object({ provider: ProviderSchema }),
    ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 500, 503),
  },
}

/** PUT /api/providers/{id} */
export function putProvider(app: App, { db }: ApiDeps): void {
  app.put('/providers/:id', { schema, config: STAFF }, async (request, reply) => {
    const details = detailsOf(request.body)
    try {
      const { provider, created } = await storeProvider(db.em, idOf(request.params.id), details, actorOf(request))
      return reply.code(created ? 201 : 200).send({ provider: providerView(provider) })
    } catch (error) {
      if (!(error instanceof PhoneTakenError)) throw error
      throw new ProblemError('phone-taken', undefined, [{ field: 'phone', message: 'belongs to another provider' }])
    }
  })
}

/** Ids come from another system, where they were seen with spaces at their end. */
function idOf(written: string): string {
  const id = written.trim()
  if (/^[^\p{Cc}]{1,64}$/u.test(id)) return id
  throw unacceptable({ field: 'id', message: 'must have 1 to 64 characters and no control characters' })
}

function detailsOf(body: Static<typeof Body>): ProviderDetails {
  const wrong: FieldError[] = []
  const name = cleanText(body.name)
  const phone = normalisePhone(body.phone)
  if (name === '') wrong.push({ field: 'name', message: 'must not be empty' })
  if (phone === null) wrong.push({ field: 'phone', message: 'must be a valid phone number' })
  if (body.time_zone && !isTimeZone(body.time_zone)) {
    wrong.push({ field: 'time_zone', message: 'must be the IANA name of a time zone' })
  }
  if (phone === null || wrong.length > 0) throw unacceptable(...wrong)
  return { name, phone, email: body.email ?? null, timeZone: body.time_zone || null }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
