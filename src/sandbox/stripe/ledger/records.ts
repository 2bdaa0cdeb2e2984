import type Stripe from 'stripe'

/*
 * What the emulator keeps. The shapes are the SDK's own types, narrowed where Stripe answers a plain id unless asked to
 * expand: a field this API version requires and the emulator forgets is a type error.
 */

export type PaymentLink = Stripe.PaymentLink
export type Session = Stripe.Checkout.Session & {
  payment_link: string
  payment_intent: string | null
  amount_total: number
  currency: string
  metadata: Stripe.Metadata
}
export type PaymentIntent = Stripe.PaymentIntent & { latest_charge: string | null }
export type Charge = Stripe.Charge & { payment_intent: string }
export type Refund = Stripe.Refund & { charge: string; payment_intent: string }
export type Dispute = Stripe.Dispute & { charge: string; payment_intent: string }

/** Open only as wide as what goes over the wire: tests may send events of types Stripe does not have. */
export type StripeEvent = {
  id: string
  object: 'event'
  api_version: string
  created: number
  livemode: false
  pending_webhooks: number
  request: EventCause
  type: string
  data: { object: Record<string, unknown> }
}

/** The API request an event came from; both null when a customer or Stripe itself caused it. */
export type EventCause = { id: string | null; idempotency_key: string | null }

export type Item = {
  name: string
  unitAmount: number
  quantity: number
}

/** A payment link with what Stripe only shows when its line items are asked for. */
export type LinkRecord = { id: string; link: PaymentLink; items: Item[] }

/** One POST of an event: the status it was answered with, or why there was no answer. */
export type DeliveryAttempt = { at: string; status?: number; error?: string }

export type EventRecord = {
  id: string
  event: StripeEvent
  /** True once the endpoint answered 2xx, or when there was none to deliver to. */
  delivered: boolean
  attempts: DeliveryAttempt[]
}

export type ApiAnswer = { status: number; body: unknown; requestId: string }

/** What Stripe remembers of an idempotency key, which is the id. */
export type IdempotencyRecord = {
  id: string
  /** Method and path: a key serves one endpoint only. */
  endpoint: string
  fingerprint: string
  /** Milliseconds. */
  startedAt: number
  answer: ApiAnswer
}
