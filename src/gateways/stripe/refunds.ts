import { type Static, Type } from 'typebox'
import { hasFailed, type KnownRefund, toRefundStatus } from '../../domain/refunds.ts'
import { readValue } from '../answers.ts'
import { RefusedError } from '../errors.ts'
import type { StripeCaller } from './caller.ts'
import { isNotFound } from './classify.ts'
import { collect, items } from './pages.ts'

export type RefundRequest = {
  /** Our payment's id. */
  paymentId: number
  paymentIntentId: string
  leadId: string
  /** Raised after an answer that Stripe would only repeat, and after a refund that failed. */
  attempt: number
  /** Our word for why; kept in the refund's metadata. */
  reason: string
}

/** Its id is null only when the charge is refunded and Stripe shows no refund of it. */
export type Refund = KnownRefund | { refundId: null; status: 'succeeded' }

const refundSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  status: Type.Union([Type.String(), Type.Null()]),
  amount: Type.Integer({ minimum: 0 }),
})

/** See `StripeGateway.refund`. */
export async function refund(stripe: StripeCaller, request: RefundRequest): Promise<Refund> {
  const operation = { name: 'stripe refund', keyed: true }
  const { paymentId, paymentIntentId, leadId, attempt, reason } = request
  const idempotencyKey = `${leadId}-payment-${paymentId}-refund-${attempt}`
  const params = {
    payment_intent: paymentIntentId,
    metadata: { payment_id: String(paymentId), lead_id: leadId, reason },
  }
  try {
    const answer = await stripe.call(operation, (sdk) => sdk.refunds.create(params, { idempotencyKey }))
    return toKnown(readValue(operation.name, refundSchema, answer))
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'charge_already_refunded') throw error
    const refunds = (await listRefunds(stripe, paymentIntentId)) ?? []
    // The newest that did not fail stands for money that went back before: by an earlier request whose answer was lost, or by a
    // person.
    const standing = refunds.find(({ status }) => !hasFailed(status))
    // The charge may count as refunded although every refund of it failed: the money is with us.
    if (standing === undefined && refunds.length > 0) throw error
    return standing ?? { refundId: null, status: 'succeeded' }
  }
}

/** See `StripeGateway.getRefund`. */
export async function getRefund(stripe: StripeCaller, refundId: string): Promise<KnownRefund | null> {
  const name = 'stripe get refund'
  try {
    const answer = await stripe.call({ name }, (sdk) => sdk.refunds.retrieve(refundId))
    return toKnown(readValue(name, refundSchema, answer))
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/** See `StripeGateway.listRefunds`. */
export async function listRefunds(stripe: StripeCaller, paymentIntentId: string): Promise<KnownRefund[] | null> {
  const name = 'stripe list refunds'
  const refunds = items(name, refundSchema, (cursor) =>
    stripe.call({ name }, (sdk) => sdk.refunds.list({ payment_intent: paymentIntentId, ...cursor })),
  )
  try {
    return (await collect(refunds)).map(toKnown)
  } catch (error) {
    // Stripe lists refunds; a stand-in at STRIPE_API_URL may not.
    if (isNotFound(error)) return null
    throw error
  }
}

function toKnown({ id, status, amount }: Static<typeof refundSchema>): KnownRefund {
  return { refundId: id, status: toRefundStatus(status), amountCents: amount }
}
