import { type Static, Type } from 'typebox'
import type { Lead } from '../../../db/entities/index.ts'
import {
  type Offer,
  type OfferTerms,
  offerLead,
  type TeaserPolicy,
  TeaserTooLongError,
  UnknownProvidersError,
} from '../../../db/leads/offers.ts'
import type { EntityManager } from '../../../db/postgres/orm.ts'
import { validatePrice } from '../../../domain/money.ts'
import type { Publisher } from '../../../queues/publisher.ts'
import { ProblemError, unacceptable } from '../../problem.ts'
import { wakeUp } from '../../wake-up.ts'

const MAX_PROVIDERS = 500
const MAX_TTL_HOURS = 8760

/** @param minItems 0 where a lead may be offered to nobody yet */
export function providerIds(minItems: 0 | 1) {
  return Type.Array(Type.String({ maxLength: 100, pattern: '\\S' }), { minItems, maxItems: MAX_PROVIDERS })
}

export const OfferConfig = Type.Object(
  {
    price_cents: Type.Optional(Type.Integer({ description: "In the currency's smallest unit" })),
    currency: Type.Optional(Type.String({ description: "Stripe's lower-case code" })),
    ttl_hours: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: MAX_TTL_HOURS, description: 'May be a fraction' }),
    ),
  },
  { additionalProperties: false },
)

/**
 * @param standing the terms that hold where none were named
 * @returns the terms asked for
 * @throws {ProblemError} when Stripe would not take the price, or another currency is named without one: the standing number
 *   means something else in it
 */
export function termsOf(asked: Static<typeof OfferConfig> | undefined, standing: OfferTerms): OfferTerms {
  const terms = {
    priceCents: asked?.price_cents ?? standing.priceCents,
    currency: asked?.currency ?? standing.currency,
    ttlHours: asked?.ttl_hours ?? standing.ttlHours,
  }
  const wrong = validatePrice(terms.priceCents, terms.currency)
  if (wrong !== null) throw unacceptable({ field: `config.${wrong.field}`, message: wrong.message })
  if (asked?.price_cents === undefined && terms.currency !== standing.currency) {
    const message = `must be given with a currency other than ${standing.currency}`
    throw unacceptable({ field: 'config.price_cents', message })
  }
  return terms
}

/**
 * Like `offerLead`, with its refusals as answers to the client.
 *
 * @param sentIds the provider ids as they came: the space around them that copying brings along is dropped, and each counts
 *   once
 * @throws {ProblemError} for an unknown provider, or a teaser too long to be sent
 */
export async function offerOrRefuse(
  tx: EntityManager,
  lead: Lead,
  sentIds: readonly string[],
  terms: OfferTerms,
  policy: TeaserPolicy,
): Promise<Offer> {
  const ids = sentIds.map((id) => id.trim())
  const fieldOf = (id: string) => `provider_ids.${ids.indexOf(id)}`
  try {
    return await offerLead(tx, lead, [...new Set(ids)], terms, policy)
  } catch (error) {
    if (error instanceof UnknownProvidersError) {
      throw new ProblemError(
        'unknown-provider',
        undefined,
        error.providerIds.map((id) => ({ field: fieldOf(id), message: `there is no provider ${id}` })),
      )
    }
    if (error instanceof TeaserTooLongError) {
      const { providerId: id } = error
      if (id !== null) {
        const message = `the teaser with this lead and the name of provider ${id} would not fit into one SMS`
        throw unacceptable({ field: fieldOf(id), message })
      }
      throw unacceptable({ field: 'service_type', message: 'the teaser with this lead would not fit into one SMS' })
    }
    throw error
  }
}

/**
 * Wakes up what an offer made due: the teasers now, and the closing of each unlock after its time to live. Losing these
 * costs seconds: the sweep finds the work in Postgres.
 */
export async function publishOffer(
  publisher: Publisher,
  unlocks: readonly { id: number }[],
  terms: OfferTerms,
  requestId: string,
): Promise<void> {
  await Promise.all([
    wakeUp(
      publisher,
      unlocks.map(({ id }) => ({ job: 'send-teaser', unlock_id: id })),
      { requestId },
    ),
    wakeUp(
      publisher,
      unlocks.map(({ id }) => ({ job: 'expire', unlock_id: id })),
      { requestId, delayMs: terms.ttlHours * 3_600_000 },
    ),
  ])
}
