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
export function sessionsOf(stripe: StripeCaller, filter: Filter): AsyncGenerator<Stripe.Checkout.Session, void> {
  const name = 'stripe list checkout sessions'
  return items(name, sessionSchema, (cursor) =>
    stripe.call({ name }, (sdk) => sdk.checkout.sessions.list({ ...filter, ...cursor })),
  )
}

/** The sessions of a link that can still be paid. */
export function openSessions(stripe: StripeCaller, linkId: string): AsyncGenerator<Stripe.Checkout.Session, void> {
  return sessionsOf(stripe, { payment_link: linkId, status: 'open' })
}
