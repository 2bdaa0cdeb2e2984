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
  /** `unpaid`: completed, but the money is still on its way: wait for the asynchronous outcome. */
  | { kind: 'unpaid' | 'payment_failed' | 'session_expired'; session: Static<typeof sessionSchema> }
  | { kind: 'charge_refunded'; charge: Static<typeof chargeSchema> }
  | { kind: 'refund_changed'; refund: Static<typeof refundSchema> }
  | { kind: 'dispute'; dispute: Static<typeof disputeSchema>; closed: boolean }
  /** Of the test mode, where no money moves, though the account's is real. */
  | { kind: 'test_mode'; type: string }
  | { kind: 'ignored'; type: string }

type Reader = (object: unknown) => StripeFact | null

const reader =
  <S extends TSchema>(schema: S, toFact: (object: Static<S>) => StripeFact): Reader =>
  (object) =>
    Value.Check(schema, object) ? toFact(object) : null

const PAID = ['paid', 'no_payment_required']

const completed = reader(sessionSchema, (session) => ({
  kind: PAID.includes(session.payment_status) ? 'paid' : 'unpaid',
  session,
}))
const refundChanged = reader(refundSchema, (refund) => ({ kind: 'refund_changed', refund }))
const disputeOpen = reader(disputeSchema, (dispute) => ({ kind: 'dispute', dispute, closed: false }))

/** By type of the event; any other is of no concern here. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ['checkout.session.completed', completed],
  ['checkout.session.async_payment_succeeded', completed],
  ['checkout.session.async_payment_failed', reader(sessionSchema, (session) => ({ kind: 'payment_failed', session }))],
  ['checkout.session.expired', reader(sessionSchema, (session) => ({ kind: 'session_expired', session }))],
  ['charge.refunded', reader(chargeSchema, (charge) => ({ kind: 'charge_refunded', charge }))],
  ['refund.created', refundChanged],
  ['refund.updated', refundChanged],
  ['refund.failed', refundChanged],
  ['charge.dispute.created', disputeOpen],
  ['charge.dispute.funds_withdrawn', disputeOpen],
  ['charge.dispute.closed', reader(disputeSchema, (dispute) => ({ kind: 'dispute', dispute, closed: true }))],
])

/** What an endpoint at Stripe has to send (docs/going-live.md), and what the backfill asks for. */
export const STRIPE_EVENT_TYPES: readonly string[] = [...READERS.keys()]

/**
 * When an event was made, by Stripe's clock: in the second in which what it tells of happens, so that a payment was made then,
 * however late the event comes.
 *
 * @returns null when it names no time that can be stored
 */
export function madeAt({ created }: Readonly<Record<string, unknown>>): Date | null {
  if (typeof created !== 'number' || created <= 0) return null
  const made = new Date(created * 1000)
  // JavaScript writes later years in a way that Postgres does not read.
  return made.getUTCFullYear() <= 9999 ? made : null
}

/**
 * Reads a Stripe event.
 *
 * @param isLive the account's key is one of real money: an event of the test mode then says nothing of it, though its
 *   endpoint's secret may be in use beside the other
 * @returns null when it does not have the shape that its type promises: a person must look
 */
export function readStripeEvent(event: unknown, isLive: boolean): StripeFact | null {
  if (!Value.Check(eventSchema, event)) return null
  const { type, livemode, data } = event
  if (isLive && livemode === false) return { kind: 'test_mode', type }
  const read = READERS.get(type)
  return read === undefined ? { kind: 'ignored', type } : read(data.object)
}
