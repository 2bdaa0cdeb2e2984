import type { Unlock } from '../db/entities/index.ts'
import { recordDispute } from '../db/payments/disputes.ts'
import { linkIdsOf, recordNoPayment } from '../db/payments/links.ts'
import { recordPayment } from '../db/payments/record-payment.ts'
import { recordChargeRefunded } from '../db/payments/refunds.ts'
import { type EntityManager, inTransaction } from '../db/postgres/orm.ts'
import type { Due } from '../domain/due.ts'
import type { KnownRefund } from '../domain/refunds.ts'
import { type FoundPayment, isRefunded, isTakenBack } from '../gateways/stripe.ts'
import type { JobDeps } from './deps.ts'
import { recordAndPublish } from './record-and-publish.ts'

/**
 * Asks Stripe for a payment that covers this unlock already; with one, the unlock becomes PAID here.
 *
 * @returns the unlock as it stands then
 */
export async function checkExistingPayment(deps: JobDeps, unlock: Unlock): Promise<Unlock> {
  const linkIds = await linkIdsOf(deps.em.fork(), unlock.id)
  const payments = await deps.stripe.findPayments({ unlockId: unlock.id, leadId: unlock.leadId, linkIds })
  for (const payment of payments.filter((payment) => !isTakenBack(payment))) {
    const incoming = {
      // Money without a checkout session, made by hand at Stripe, goes by its intent.
      checkoutSessionId: payment.sessionId ?? payment.paymentIntentId ?? '',
      paymentIntentId: payment.paymentIntentId,
      stripeLinkId: payment.paymentLinkId,
      amountCents: payment.amountCents,
      currency: payment.currency,
      returned: isRefunded(payment),
      claimed: { unlockId: String(unlock.id), leadId: unlock.leadId },
    }
    const { latePayment } = deps.settings
    const options = { latePayment, paidAt: payment.paidAt, cause: 'found at stripe' }
    const refunds = await refundsOf(deps, payment)
    await recordAndPublish(deps, async (tx) => {
      const { due } = await recordPayment(tx, incoming, options)
      return [...due, ...(await recordSince(tx, payment, refunds))]
    })
  }
  return inTransaction(deps.em, (tx) => recordNoPayment(tx, unlock.id))
}

/** The refunds that make up what went back of a payment that was found; null when nothing did, or Stripe shows none. */
function refundsOf(deps: JobDeps, { paymentIntentId, refundedCents }: FoundPayment): Promise<KnownRefund[] | null> {
  return paymentIntentId === null || refundedCents === 0
    ? Promise.resolve(null)
    : deps.stripe.listRefunds(paymentIntentId)
}

/** What became of a payment that was found, as the events about it would have told. */
async function recordSince(tx: EntityManager, payment: FoundPayment, refunds: KnownRefund[] | null): Promise<Due[]> {
  const { paymentIntentId, amountCents, refundedCents, disputes } = payment
  if (paymentIntentId === null) return []
  const charge = { paymentIntentId, amountCents, refundedCents, refunds }
  const due = (await recordChargeRefunded(tx, charge)) ?? []
  for (const dispute of disputes) due.push(...((await recordDispute(tx, { ...dispute, paymentIntentId })) ?? []))
  return due
}
