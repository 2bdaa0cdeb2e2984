import { InboxRow } from '../../db/entities/index.ts'
import { lockInboxRow, markFailed, markProcessed } from '../../db/inbox.ts'
import { inboxPlace } from '../../db/inbox-store.ts'
import { type EntityManager, inTransaction } from '../../db/orm.ts'
import {
  noteOnTimeline,
  recordChargeRefunded,
  recordDispute,
  recordRefundStatus,
  unlockOfLink,
} from '../../db/payment-facts.ts'
import { recordPayment } from '../../db/record-payment.ts'
import type { Due } from '../../domain/due.ts'
import { readStripeEvent, type StripeFact } from '../../domain/stripe-event.ts'
import type { JobDeps } from '../deps.ts'
import { FinalError, NotYetError } from '../errors.ts'
import { defineJob } from '../job.ts'

/** What Stripe told us about money, handled once. */
export const handlePayment = defineJob({
  name: 'handle-payment',

  async run(deps, { inbox_id }) {
    const row = await deps.em.findOne(InboxRow, { id: inbox_id })
    if (row?.status !== 'received') return
    const body = deps.sealer.openBytes(row.sealedBody, inboxPlace(row.source, row.externalId))
    const fact = readStripeEvent(JSON.parse(body.toString('utf8')))
    if (fact === null) throw new FinalError('unreadable_event')
    await deps.publish(await inTransaction(deps.em, (tx) => handle(tx, deps, inbox_id, fact)))
  },

  async onFailed(deps, { inbox_id }, code) {
    const due = await inTransaction(deps.em, async (tx) => {
      if (code !== NotYetError.CODE) return markFailed(tx, inbox_id, 'inbox_failed', code)
      // A refund or dispute of money that never was ours: the account is shared.
      const row = await lockInboxRow(tx, inbox_id, 'received')
      if (row !== null) await markProcessed(tx, row, 'unmatched')
      return []
    })
    await deps.publish(due)
  },
})

async function handle(tx: EntityManager, deps: JobDeps, inboxId: number, fact: StripeFact): Promise<Due[]> {
  // Unlocks are locked before inbox rows; here the row comes first and nobody else takes both.
  const row = await lockInboxRow(tx, inboxId, 'received')
  if (row === null) return []
  const due = await record(tx, deps, fact)
  await markProcessed(tx, row, fact.kind)
  return due
}

async function record(tx: EntityManager, deps: JobDeps, fact: StripeFact): Promise<Due[]> {
  switch (fact.kind) {
    case 'paid':
      return recordPaid(tx, deps, fact.session)
    case 'unpaid':
    case 'payment_failed':
    case 'session_expired': {
      const unlockId = await unlockOfLink(tx, fact.session.payment_link ?? null)
      if (unlockId !== null) await noteOnTimeline(tx, unlockId, `stripe: ${fact.kind.replace('_', ' ')}`)
      return []
    }
    case 'charge_refunded': {
      const { payment_intent, amount, amount_refunded } = fact.charge
      if (payment_intent == null) return []
      const charge = { paymentIntentId: payment_intent, amountCents: amount, refundedCents: amount_refunded }
      return orNotYet(await recordChargeRefunded(tx, charge, deps.effects))
    }
    case 'refund_changed': {
      const { id, payment_intent, amount, status } = fact.refund
      if (payment_intent == null) return []
      const refund = { refundId: id, paymentIntentId: payment_intent, amountCents: amount, status: status ?? 'pending' }
      return orNotYet(await recordRefundStatus(tx, refund, deps.effects))
    }
    case 'dispute': {
      const { payment_intent, status } = fact.dispute
      if (payment_intent == null) return []
      return orNotYet(await recordDispute(tx, { paymentIntentId: payment_intent, status, closed: fact.closed }))
    }
    case 'ignored':
      return []
  }
}

function recordPaid(
  tx: EntityManager,
  deps: JobDeps,
  session: Extract<StripeFact, { kind: 'paid' }>['session'],
): Promise<Due[]> {
  return recordPayment(
    tx,
    {
      checkoutSessionId: session.id,
      paymentIntentId: session.payment_intent ?? null,
      stripeLinkId: session.payment_link ?? null,
      amountCents: session.amount_total ?? 0,
      currency: (session.currency ?? '').toLowerCase(),
      claimed: { unlockId: session.metadata?.unlock_id ?? null, leadId: session.metadata?.lead_id ?? null },
    },
    { latePayment: deps.settings.latePayment, cause: 'stripe: paid', context: deps.effects },
  )
}

/** Stripe's events come in any order: what tells of a payment may come before the payment. */
function orNotYet(due: Due[] | null): Due[] {
  if (due === null) throw new NotYetError()
  return due
}
