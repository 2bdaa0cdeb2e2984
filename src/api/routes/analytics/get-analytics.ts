import { type Static, Type } from 'typebox'
import { type Analytics, analysePeriod } from '../../../db/figures/analytics.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { NullableTimestamp } from '../../fields.ts'
import { malformed, problemResponses } from '../../problem.ts'
import { parseFrom, parseTo, TimeBound } from '../../time.ts'

/** Cities listed at most. */
const MOST_CITIES = 100

const Count = Type.Integer({ minimum: 0 })
const Rate = Type.Union([Type.Number(), Type.Null()], { description: 'Of 1; null where there is nothing to divide by' })
const Seconds = Type.Union([Type.Number(), Type.Null()])

const FiguresSchema = Type.Object({
  leads: Type.Integer({ minimum: 0, description: 'Posted in the period' }),
  conversion: Type.Object(
    { teasers: Count, paid: Count, rate: Rate },
    { description: 'Of the unlocks whose teaser the gateway accepted, those that were paid, refunded since or not' },
  ),
  response_times: Type.Object(
    { replies: Count, p50_seconds: Seconds, p90_seconds: Seconds },
    { description: 'From the acceptance of the teaser to the first Y or N that moved the unlock' },
  ),
  payment_success: Type.Object(
    { links_sent: Count, paid: Count, rate: Rate },
    { description: 'Of the unlocks whose payment link was sent, those that were paid, refunded since or not' },
  ),
  revenue: Type.Array(
    Type.Object({
      currency: Type.String(),
      payments: Type.Integer({ minimum: 0, description: 'Kept: neither refunded as a whole nor lost in a dispute' }),
      kept_cents: Type.Integer({ description: 'Their sum, less what was refunded in part' }),
      per_lead_cents: Type.Union([Type.Number(), Type.Null()], { description: 'By all leads, sold or not' }),
    }),
    { description: 'For each currency on its own' },
  ),
})

const schema = {
  tags: ['analytics'],
  summary: 'What became of the leads of a period',
  description:
    'Of the leads posted in the period, and all that happened to their unlocks since, by their timelines. ' +
    `The ${MOST_CITIES} cities with the most teasers are listed; the totals are over all.`,
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    {
      from: Type.Optional({ ...TimeBound, description: 'Inclusive; from the first lead when absent' }),
      to: Type.Optional({ ...TimeBound, description: 'Exclusive; up to now when absent' }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      period: Type.Object({ from: NullableTimestamp, to: NullableTimestamp }),
      totals: FiguresSchema,
      by_city: Type.Array(Type.Object({ city: Type.String(), ...FiguresSchema.properties })),
      cities: Type.Integer({ minimum: 0, description: 'How many there are, listed or not' }),
    }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/analytics */
export function getAnalytics(app: App, { db }: ApiDeps): void {
  app.get('/analytics', { schema, config: STAFF }, async (request) => {
    const from = parseFrom(request.query.from, 'from') ?? null
    const to = parseTo(request.query.to, 'to') ?? null
    if (from !== null && to !== null && from > to) throw malformed({ field: 'to', message: 'must not be before from' })
    const { totals, byCity, cities } = await analysePeriod(db.em, { from, to }, MOST_CITIES)
    return {
      period: { from: from?.toISOString() ?? null, to: to?.toISOString() ?? null },
      totals: figuresView(totals),
      by_city: byCity.map(({ city, ...figures }) => ({ city, ...figuresView(figures) })),
      cities,
    }
  })
}

function figuresView(figures: Analytics['totals']): Static<typeof FiguresSchema> {
  const { leads, conversion, replies, p50, p90, paymentSuccess, revenue } = figures
  return {
    leads,
    conversion,
    response_times: { replies, p50_seconds: seconds(p50), p90_seconds: seconds(p90) },
    payment_success: { links_sent: paymentSuccess.linksSent, paid: paymentSuccess.paid, rate: paymentSuccess.rate },
    revenue: revenue.map(({ currency, payments, keptCents, perLeadCents }) => ({
      currency,
      payments,
      kept_cents: keptCents,
      per_lead_cents: perLeadCents,
    })),
  }
}

function seconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : milliseconds / 1000
}
