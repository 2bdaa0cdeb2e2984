import type Stripe from 'stripe'
import { closeDispute, escalateInquiry, openDispute, openInquiry } from './ledger/disputes.ts'
import type { Ledger } from './ledger/ledger.ts'
import { findLink } from './ledger/links.ts'
import { type Payment, type PaymentOptions, payLink, paySession, settleSession } from './ledger/payments.ts'
import type { Charge, Dispute, Refund, Session } from './ledger/records.ts'
import type { RefundOutcome, RefundPlan } from './ledger/refund-plan.ts'
import { refundableCharge, settleRefund } from './ledger/refunds.ts'
import { found } from './ledger/refusal.ts'
import { expireDueSessions, expireSession, openSession, type SessionOverrides } from './ledger/sessions.ts'

/** A refund made by hand in the dashboard. Amount in minor units; the whole remainder when absent. */
export type DashboardRefund = {
  amount?: number | undefined
  reason?: Refund['reason'] | undefined
  metadata?: Stripe.Metadata | undefined
}

export type Actions = ReturnType<typeof accountActions>

/** What customers, their banks and the dashboard do. All reject with a Refusal when the account's state forbids it. */
export function accountActions(ledger: Ledger, refundPlan: RefundPlan) {
  const { state } = ledger
  const session = (id: string): Session => {
    expireDueSessions(ledger)
    return found(state.sessions.get(id), 'checkout.session', id)
  }
  const chargeOf = (paymentIntentId: string): Charge => {
    const intent = found(state.paymentIntents.get(paymentIntentId), 'payment_intent', paymentIntentId)
    return found(state.charges.get(intent.latest_charge ?? ''), 'charge of payment_intent', paymentIntentId)
  }
  const disputeOf = (id: string): Dispute => {
    const dispute = state.disputes
      .newestFirst()
      .find((candidate) => [candidate.id, candidate.payment_intent].includes(id))
    return found(dispute, 'dispute', id)
  }
  return {
    /** A customer pays the link of this id or URL: in the session open on it, else in a new one. */
    async payLink(linkIdOrUrl: string, options: PaymentOptions = {}): Promise<Payment> {
      expireDueSessions(ledger)
      return payLink(ledger, findLink(ledger, linkIdOrUrl).id, options)
    },
    /** A customer opens the link without paying yet. */
    async openSession(linkIdOrUrl: string, overrides: SessionOverrides = {}): Promise<Session> {
      return openSession(ledger, linkIdOrUrl, overrides)
    },
    async paySession(sessionId: string, options: PaymentOptions = {}): Promise<Payment> {
      return paySession(ledger, session(sessionId), options)
    },
    /** The bank's word on a session paid with `async`. */
    async settleAsync(sessionId: string, outcome: 'succeeded' | 'failed'): Promise<Payment> {
      return settleSession(ledger, session(sessionId), outcome)
    },
    async expireSession(sessionId: string): Promise<Session> {
      return expireSession(ledger, session(sessionId))
    },
    async refund(paymentIntentId: string, { amount, reason, metadata = {} }: DashboardRefund = {}): Promise<Refund> {
      return refundPlan.create({ charge: refundableCharge(ledger, paymentIntentId), amount, reason, metadata })
    },
    /** What becomes of refunds from now on. */
    setRefundOutcome(outcome: RefundOutcome): void {
      refundPlan.setOutcome(outcome)
    },
    /** Refuses the next refund with a 400 of this code. */
    failNextRefund(code = 'charge_disputed', message = 'The charge cannot be refunded.'): void {
      refundPlan.failNext(code, message)
    },
    /** The bank's word on a refund, pending or succeeded before. */
    async settleRefund(refundId: string, outcome: 'succeeded' | 'failed'): Promise<Refund> {
      return settleRefund(ledger, refundId, outcome)
    },
    async dispute(paymentIntentId: string, reason?: string): Promise<Dispute> {
      return openDispute(ledger, chargeOf(paymentIntentId), reason)
    },
    /** The bank asks about a payment, which takes no money yet. */
    async inquire(paymentIntentId: string): Promise<Dispute> {
      return openInquiry(ledger, chargeOf(paymentIntentId))
    },
    /** An inquiry, given by its id or its PaymentIntent's, becomes a chargeback. */
    async escalateInquiry(disputeOrPaymentIntentId: string): Promise<Dispute> {
      return escalateInquiry(ledger, disputeOf(disputeOrPaymentIntentId).id)
    },
    /** Closes a dispute given by its id or its PaymentIntent's. */
    async closeDispute(disputeOrPaymentIntentId: string, outcome: 'won' | 'lost'): Promise<Dispute> {
      return closeDispute(ledger, disputeOf(disputeOrPaymentIntentId).id, outcome)
    },
  }
}
