import { claimOpenLinks, type LinkToAsk } from '../../db/due/backfill.ts'
import { createInbox } from '../../db/inbox/store.ts'
import { type FoundPayment, isRefunded, isTakenBack } from '../../gateways/stripe.ts'
import type { WorkerServices } from '../deps.ts'
import { keep, storeEach } from './keep.ts'

const LINKS_PER_RUN = 200

/** Payments on links we still wait for, whatever became of their events. */
export async function paidSessions(services: WorkerServices, requestId: string): Promise<number> {
  const links = await claimOpenLinks(services.db.em.fork(), LINKS_PER_RUN)
  return storeEach(services, links, (link) => keepPayments(services, requestId, link))
}

/** Asks Stripe for the payments on a link and puts them through the inbox. @returns how many events were new */
export async function keepPayments(services: WorkerServices, requestId: string, link: LinkToAsk): Promise<number> {
  const { stripeId, unlockId, leadId } = link
  const inbox = createInbox(services.db.em, services.sealer)
  const payments = await services.stripe.findPayments({ unlockId, leadId, linkIds: [stripeId] })
  const found = payments.flatMap((payment) =>
    asEvents(payment, unlockId, leadId).map((event) => ({ event, paidAt: payment.paidAt })),
  )
  return storeEach(services, found, ({ event, paidAt }) =>
    keep(services, requestId, (arrival) => inbox.storeStripeEvent(event.id, arrival, paidAt), event),
  )
}

/**
 * What the events we never got would have said, each under an id that tells it from others: none of money that is not with
 * us any more. The payment's own comes last: it ends the link, and nobody would ask again for those that a run did not get
 * to store. What comes before it waits for it.
 */
function asEvents(payment: FoundPayment, unlockId: number, leadId: string) {
  const { sessionId, paymentIntentId, amountCents, refundedCents } = payment
  if (sessionId === null || isRefunded(payment) || isTakenBack(payment)) return []
  const session = {
    id: sessionId,
    payment_status: 'paid',
    payment_link: payment.paymentLinkId,
    payment_intent: paymentIntentId,
    amount_total: amountCents,
    currency: payment.currency,
    metadata: { unlock_id: String(unlockId), lead_id: leadId },
  }
  const events = []
  if (refundedCents > 0) {
    const charge = {
      id: sessionId,
      payment_intent: paymentIntentId,
      amount: amountCents,
      amount_refunded: refundedCents,
    }
    events.push(asEvent(`${sessionId}:refunded:${refundedCents}`, 'charge.refunded', charge))
  }
  for (const { disputeId, status, closed } of payment.disputes) {
    const type = closed ? 'charge.dispute.closed' : 'charge.dispute.created'
    events.push(asEvent(`${disputeId}:${status}`, type, { id: disputeId, payment_intent: paymentIntentId, status }))
  }
  events.push(asEvent(sessionId, 'checkout.session.completed', session))
  return events
}

function asEvent(about: string, type: string, object: object) {
  return { id: `backfill:${about}`, type, data: { object } }
}
