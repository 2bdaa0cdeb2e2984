import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'

const text = Type.String({ minLength: 1, maxLength: 255 })
const optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
const metadata = optional(Type.Record(Type.String(), Type.String()))
const amount = Type.Integer({ minimum: 0, maximum: 999_999_999 })

const sessionSchema = Type.Object({
  id: text,
  payment_status: Type.String(),
  payment_link: optional(text),
  payment_intent: optional(text),
  amount_total: optional(amount),
  currency: optional(Type.String()),
  metadata,
})
const chargeSchema = Type.Object({
  id: text,
  payment_intent: optional(text),
  amount,
  amount_refunded: amount,
  refunded: Type.Optional(Type.Boolean()),
})
const refundSchema = Type.Object({
  id: text,
  payment_intent: optional(text),
  amount,
  status: optional(Type.String()),
  metadata,
})
const disputeSchema = Type.Object({ id: text, payment_intent: optional(text), status: Type.String() })
const eventSchema = Type.Object({
  id: text,
  type: text,
  livemode: Type.Optional(Type.Boolean()),
  data: Type.Object({ object: Type.Unknown() }),
})

/** What a Stripe event says that matters here; everything else is `ignored`. */
export type StripeFact =
  | { kind: 'paid'; session: Static<typeof sessionSchema> }
  /** Completed, but the money is still on its way: wait for the asynchronous outcome. */
  | { kind: 'unpaid' | 'payment_failed' | 'session_expired'; session: Static<typeof sessionSchema> }
  | { kind: 'charge_refunded'; charge: Static<typeof chargeSchema> }
  | { kind: 'refund_changed'; refund: Static<typeof refundSchema> }
  | { kind: 'dispute'; dispute: Static<typeof disputeSchema>; closed: boolean }
  /** Of the test mode, where no money moves, though the account's is real. */
  | { kind: 'test_mode'; type: string }
  | { kind: 'ignored'; type: string }

const PAID = ['paid', 'no_payment_required']

/**
 * Reads a Stripe event.
 *
 * @param isLive the account's key is one of real money: an event of the test mode then says nothing of it, though its
 *   endpoint's secret may be in use beside the other
 * @returns null when it does not have the shape that its type promises: a person must look
 */
export function readStripeEvent(event: unknown, isLive: boolean): StripeFact | null {
  if (!Value.Check(eventSchema, event)) return null
  if (isLive && event.livemode === false) return { kind: 'test_mode', type: event.type }
  const { object } = event.data
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      if (!Value.Check(sessionSchema, object)) return null
      return { kind: PAID.includes(object.payment_status) ? 'paid' : 'unpaid', session: object }
    case 'checkout.session.async_payment_failed':
      return Value.Check(sessionSchema, object) ? { kind: 'payment_failed', session: object } : null
    case 'checkout.session.expired':
      return Value.Check(sessionSchema, object) ? { kind: 'session_expired', session: object } : null
    case 'charge.refunded':
      return Value.Check(chargeSchema, object) ? { kind: 'charge_refunded', charge: object } : null
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return Value.Check(refundSchema, object) ? { kind: 'refund_changed', refund: object } : null
    case 'charge.dispute.created':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.closed':
      if (!Value.Check(disputeSchema, object)) return null
      return { kind: 'dispute', dispute: object, closed: event.type === 'charge.dispute.closed' }
    default:
      return { kind: 'ignored', type: event.type }
  }
}
