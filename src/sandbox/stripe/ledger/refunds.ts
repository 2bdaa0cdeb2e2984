import type Stripe from 'stripe'
import { invalidRequest, resourceMissing } from '../api-error.ts'
import { formatMoney } from './currencies.ts'
import { blockingDispute } from './disputes.ts'
import { newId } from './ids.ts'
import { type Ledger, noCause } from './ledger.ts'
import type { Charge, EventCause, Refund } from './records.ts'
import { found, Refusal } from './refusal.ts'

export type NewRefund = {
  charge: Charge
  /** Minor units; the whole remainder when absent. */
  amount?: number | undefined
  reason?: Refund['reason'] | undefined
  metadata: Stripe.Metadata
}

/** Refunds a charge; the refund starts in this status. Throws Stripe's 400 when the charge cannot give that much back. */
export function createRefund(
  ledger: Ledger,
  { charge, amount, reason, metadata }: NewRefund,
  status: 'succeeded' | 'pending' | 'failed',
  cause: EventCause = noCause,
): Refund {
  const refundable = remaining(ledger, charge)
  const given = amount ?? refundable
  if (given > refundable) {
    const [asked, left] = [formatMoney(given, charge.currency), formatMoney(refundable, charge.currency)]
    throw invalidRequest(
      `Refund amount (${asked}) is greater than unrefunded amount on charge (${left})`,
      undefined,
      'amount',
    )
  }
  const refund = ledger.state.refunds.put({
    id: newId('re'),
    object: 'refund',
    amount: given,
    balance_transaction: newId('txn'),
    charge: charge.id,
    created: ledger.clock.seconds(),
    currency: charge.currency,
    customer: null,
    customer_account: null,
    metadata,
    payment_intent: charge.payment_intent,
    payment_method: null,
    reason: reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status,
    transfer_reversal: null,
    ...(status === 'failed' ? failure() : {}),
  })
  const refunded = recount(ledger, charge.id)
  ledger.emit('refund.created', refund, cause)
  if (status === 'failed') ledger.emit('refund.failed', refund)
  else ledger.emit('charge.refunded', refunded, cause)
  return refund
}

/** The bank's word on a refund: a pending one succeeds or fails, and one that succeeded may still fail later. */
export function settleRefund(ledger: Ledger, refundId: string, outcome: 'succeeded' | 'failed'): Refund {
  const refund = found(ledger.state.refunds.get(refundId), 'refund', refundId)
  if (refund.status === 'failed' || refund.status === outcome) {
    throw new Refusal('not_settleable', `Refund ${refund.id} is already ${refund.status}`)
  }
  const settled = ledger.state.refunds.put({
    ...refund,
    status: outcome,
    ...(outcome === 'failed' ? failure() : {}),
  })
  recount(ledger, refund.charge)
  if (outcome === 'failed') ledger.emit('refund.failed', settled)
  ledger.emit('refund.updated', settled)
  return settled
}

/** The charge of a PaymentIntent that money can be given back from, or Stripe's error. */
export function refundableCharge(ledger: Ledger, paymentIntentId: string): Charge {
  const intent = ledger.state.paymentIntents.get(paymentIntentId)
  if (intent === undefined) throw resourceMissing('payment_intent', paymentIntentId, 'payment_intent')
  const charge = ledger.state.charges.get(intent.latest_charge ?? '')
  if (charge === undefined) {
    throw invalidRequest(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`)
  }
  return charge
}

function remaining(ledger: Ledger, charge: Charge): number {
  if (blockingDispute(ledger, charge.id) !== undefined) {
    throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, 'charge_disputed')
  }
  if (charge.refunded) {
    throw invalidRequest(`Charge ${charge.id} has already been refunded.`, 'charge_already_refunded')
  }
  return charge.amount - charge.amount_refunded
}

/** A failed refund gives its amount back to the charge, so the total is taken from the refunds that stand. */
function recount(ledger: Ledger, chargeId: string): Charge {
  const charge = found(ledger.state.charges.get(chargeId), 'charge', chargeId)
  const refunded = ledger.state.refunds
    .all()
    .filter((refund) => refund.charge === chargeId && refund.status !== 'failed')
    .reduce((sum, refund) => sum + refund.amount, 0)
  return ledger.state.charges.put({ ...charge, amount_refunded: refunded, refunded: refunded === charge.amount })
}

function failure() {
  return { failure_reason: 'lost_or_stolen_card', failure_balance_transaction: newId('txn') }
}
