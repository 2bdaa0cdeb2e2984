import type Stripe from 'stripe'
import { Type } from 'typebox'
import type { StripeCaller } from './caller.ts'
import { items } from './pages.ts'

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** What is read of a checkout session here; the SDK's type promises it, the answer is checked for it. */
const sessionSchema = Type.Unsafe<Stripe.Checkout.Session>(
  Type.Object({
    id: Type.String({ minLength: 1 }),
    status: nullable(Type.String()),
    payment_status: Type.String(),
    payment_intent: nullable(Type.String()),
    payment_link: nullable(Type.String()),
    amount_total: nullable(Type.Integer()),
    currency: nullable(Type.String()),
    created: Type.Integer(),
    metadata: nullable(Type.Record(Type.String(), Type.String())),
  }),
)

type Filter = { payment_link?: string; payment_intent?: string; status?: 'open' | 'complete' }

/** The checkout sessions that pass the filter, newest first. */
export async function* sessionsOf(stripe: StripeCaller, filter: Filter): AsyncGenerator<Stripe.Checkout.Session, void> {
  const name = 'stripe list checkout sessions'
  const listed = items(name, sessionSchema, (cursor) =>
    stripe.call({ name }, (sdk) => sdk.checkout.sessions.list({ ...filter, ...cursor })),
  )
  for await (const session of listed) if (passes(session, filter)) yield session
}

/**
 * A stand-in at STRIPE_API_URL may not know a filter: another's session would be taken for money of this unlock, or ended
 * while somebody pays on it. What a session does not tell speaks for it.
 */
function passes(session: Stripe.Checkout.Session, { payment_link, payment_intent, status }: Filter): boolean {
  const fits = (told: unknown, wanted: string | undefined) => wanted === undefined || told === null || told === wanted
  return (
    fits(session.payment_link, payment_link) &&
    fits(session.payment_intent, payment_intent) &&
    fits(session.status, status)
  )
}

/** The sessions of a link that can still be paid. */
export function openSessions(stripe: StripeCaller, linkId: string): AsyncGenerator<Stripe.Checkout.Session, void> {
  return sessionsOf(stripe, { payment_link: linkId, status: 'open' })
}
