import { type Static, Type } from 'typebox'
import { recordAudit } from '../../../db/access/audit.ts'
import { oncePerKey } from '../../../db/leads/idempotency.ts'
import { insertLead, type NewLead } from '../../../db/leads/leads.ts'
import type { OfferTerms } from '../../../db/leads/offers.ts'
import { type EntityManager, inTransaction } from '../../../db/postgres/orm.ts'
import { cleanText } from '../../../domain/clean-text.ts'
import { revealFits, teaserFits } from '../../../domain/texts.ts'
import { actorOf } from '../../auth/caller.ts'
import { EVERY_KEY } from '../../auth/roles.ts'
import { canonicalJson } from '../../canonical-json.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { BODY_LIMIT } from '../../limits.ts'
import { problemResponses, unacceptable } from '../../problem.ts'
import { OfferConfig, offerOrRefuse, providerIds, publishOffer, termsOf } from './offering.ts'
import { LeadSchema, leadView, OfferedUnlockSchema, offeredUnlockView, SkippedSchema, skippedView } from './schemas.ts'

const required = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const optional = (maxLength: number) => Type.Optional(Type.Union([Type.String({ maxLength }), Type.Null()]))

/** Shown on the page of the API, where a call is made by hand; `npm start` has these providers. */
const EXAMPLE = {
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+1234567890',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
  provider_ids: ['provider60', 'provider61'],
  config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
}

const Body = Type.Object(
  {
    city: required(100),
    service_type: required(200),
    preferred_time_window: optional(200),
    budget_range: optional(100),
    notes_snippet: optional(2000),
    client_name: required(200),
    client_phone: required(50),
    client_email: optional(254),
    exact_address: optional(500),
    provider_ids: Type.Optional(providerIds(0)),
    config: Type.Optional(OfferConfig),
  },
  { additionalProperties: false, examples: [EXAMPLE] },
)
type Body = Static<typeof Body>

const Answer = Type.Object({
  lead: LeadSchema,
  unlocks: Type.Array(OfferedUnlockSchema),
  skipped: Type.Array(SkippedSchema),
})

const schema = {
  tags: ['leads'],
  summary: 'Store a lead and offer it to providers',
  description:
    'Without `provider_ids` the lead is stored and offered to nobody; offer it later with POST /api/leads/{id}/send. ' +
    'With an `Idempotency-Key` the same request gives the same answer as often as it is sent within 7 days, with the ' +
    'header `Idempotent-Replayed: true` from the second time on.',
  security: [{ apiKey: [] }],
  headers: Type.Object({
    'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' })),
  }),
  body: Body,
  response: { 201: Answer, ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 500, 503) },
}

/** POST /api/leads */
export function createLead(app: App, { db, sealer, publisher, config }: ApiDeps): void {
  app.post('/leads', { schema, config: EVERY_KEY, bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const terms = termsOf(request.body.config, config.defaultTerms)
    const lead = leadOf(request.body, terms)
    const key = request.headers['idempotency-key']

    const create = async (tx: EntityManager): Promise<Static<typeof Answer>> => {
      const stored = await insertLead(tx, sealer, lead)
      await recordAudit(tx, { ...actorOf(request), action: 'lead.create', target: `lead:${stored.id}` })
      const offer = await offerOrRefuse(tx, stored, request.body.provider_ids ?? [], terms, config.teasers)
      return {
        lead: leadView(stored),
        unlocks: offer.unlocks.map(offeredUnlockView),
        skipped: offer.skipped.map(skippedView),
      }
    }
    const { result, replayed } = await inTransaction(db.em, async (tx) => {
      if (key === undefined) return { result: await create(tx), replayed: false }
      return oncePerKey(tx, sealer, `POST /api/leads ${key}`, canonicalJson(request.body), () => create(tx))
    })
    if (replayed) reply.header('idempotent-replayed', 'true')
    else await publishOffer(publisher, result.unlocks, terms, request.id)
    return reply.code(201).send(result)
  })
}

/** @throws {ProblemError} when a required field says nothing, or the teaser or the details could never be sent */
function leadOf(body: Body, terms: OfferTerms): NewLead {
  const empty = (['city', 'service_type', 'client_name', 'client_phone'] as const).filter(
    (name) => !cleanText(body[name]),
  )
  if (empty.length > 0) throw unacceptable(...empty.map((field) => ({ field, message: 'must not be empty' })))
  const lead = {
    // Lists and analytics tell cities apart by it. The other values stay as given and are cleaned where they enter a text.
    city: cleanText(body.city),
    serviceType: body.service_type,
    preferredTimeWindow: body.preferred_time_window ?? null,
    budgetRange: body.budget_range ?? null,
    notesSnippet: body.notes_snippet ?? null,
    terms,
    clientName: body.client_name,
    clientPhone: body.client_phone,
    clientEmail: body.client_email ?? null,
    exactAddress: body.exact_address ?? null,
  }
  if (!teaserFits({ ...lead, ...terms })) {
    throw unacceptable({
      field: longestOf(OFFERED, body),
      message: 'the teaser with this lead would not fit into one SMS',
    })
  }
  if (!revealFits(lead)) {
    throw unacceptable({ field: longestOf(DETAILS, body), message: 'the contact details would not fit into one SMS' })
  }
  return lead
}

const OFFERED = ['city', 'service_type', 'preferred_time_window', 'budget_range'] as const
const DETAILS = ['client_name', 'client_phone', 'client_email', 'exact_address'] as const

type TextField = (typeof OFFERED)[number] | (typeof DETAILS)[number]

/** The field with the longest value; of several alike the first. */
function longestOf(names: readonly TextField[], body: Body): string {
  const lengthOf = (name: TextField) => cleanText(body[name]).length
  const [longest = ''] = names.toSorted((one, other) => lengthOf(other) - lengthOf(one))
  return longest
}
