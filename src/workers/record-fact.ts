import { GRACE_MS } from '../db/due/parking.ts'
import type { InboxRow } from '../db/entities/index.ts'
import { lockEarlyEvents, markProcessed, sentAtOf } from '../db/inbox/inbox.ts'
import { recordDispute } from '../db/payments/disputes.ts'
import { unlockOfLink } from '../db/payments/links.ts'
import { lockPayment, noteMoney } from '../db/payments/payment-lock.ts'
import { recordPayment } from '../db/payments/record-payment.ts'
import { recordChargeRefunded, recordRefundStatus, recordRefundsShown } from '../db/payments/refunds.ts'
import { after } from '../db/postgres/clock.ts'
import type { EntityManager } from '../db/postgres/orm.ts'
import type { Due } from '../domain/due.ts'
import { type KnownRefund, toRefundStatus } from '../domain/refunds.ts'
import { readStripeEvent, type StripeFact } from '../domain/stripe-event.ts'
import type { JobDeps } from './deps.ts'
import { FinalError } from './errors.ts'
import { openBody } from './inbox-body.ts'

/** What Stripe answered when it was asked for the refunds of a payment; null where it lists none, and sums count. */
export type AskedRefunds = {
  refunds: KnownRefund[] | null
  /** The inbox rows for which it was asked. The answer is too old for one that has come since: Stripe is asked again. */
  because: readonly number[]
}

/**
 * Stripe has to be asked for the refunds of a payment first. Thrown to end the transaction, with nothing recorded, since no lock
 * is held while a gateway is called; with the answer it is all done again.
 */
export class AskFirst extends Error {
  readonly paymentIntentId: string
  readonly because: readonly number[]

  constructor(paymentIntentId: string, because: readonly number[]) {
    super('Stripe has to be asked first')
    this.paymentIntentId = paymentIntentId
    this.because = because
  }
}

/** @throws {FinalError} when nobody can read it */
export function readFact(deps: JobDeps, row: InboxRow): StripeFact {
  const body = openBody(deps, row)
  const fact = readStripeEvent(JSON.parse(body.toString('utf8')), deps.settings.liveMoney)
  if (fact === null) throw new FinalError('unreadable_event')
  return fact
}

/**
 * Records what Stripe says about money.
 *
 * @param row the row it came in
 * @param asked set once Stripe was asked for the refunds of the payment it is about
 * @returns what is due; null when it is about a payment that we do not know (yet)
 * @throws {AskFirst}
 */
export async function recordFact(
  tx: EntityManager,
  deps: JobDeps,
  row: InboxRow,
  fact: StripeFact,
  asked: AskedRefunds | null,
): Promise<Due[] | null> {
  switch (fact.kind) {
    case 'paid':
      return recordPaid(tx, deps, row, fact.session, asked)
    case 'unpaid':
    case 'payment_failed':
    case 'session_expired': {
      const unlockId = await unlockOfLink(tx, fact.session.payment_link ?? null)
      if (unlockId !== null) await noteMoney(tx, unlockId, `stripe: ${fact.kind.replace('_', ' ')}`)
      return []
    }
    case 'charge_refunded': {
      const { payment_intent, amount, amount_refunded } = fact.charge
      if (payment_intent == null) return []
      if ((await lockPayment(tx, 'payment_intent_id', payment_intent)) === null) return null
      // It tells the sum of its refunds as it was then; which of them still stand, Stripe tells now.
      if (asked === null) throw new AskFirst(payment_intent, [row.id])
      const { refunds } = asked
      const charge = { paymentIntentId: payment_intent, amountCents: amount, refundedCents: amount_refunded, refunds }
      return recordChargeRefunded(tx, charge)
    }
    case 'refund_changed': {
      const { id, payment_intent, amount, status } = fact.refund
      if (payment_intent == null) return []
      const refund = { refundId: id, amountCents: amount, status: toRefundStatus(status) }
      return recordRefundStatus(tx, { ...refund, paymentIntentId: payment_intent })
    }
    case 'dispute': {
      const { id, payment_intent, status } = fact.dispute
      if (payment_intent == null) return []
      return recordDispute(tx, { disputeId: id, paymentIntentId: payment_intent, status, closed: fact.closed })
    }
    case 'test_mode':
    case 'ignored':
      return []
  }
}

async function recordPaid(
  tx: EntityManager,
  deps: JobDeps,
  row: InboxRow,
  session: Extract<StripeFact, { kind: 'paid' }>['session'],
  asked: AskedRefunds | null,
): Promise<Due[]> {
  const paymentIntentId = session.payment_intent ?? null
  const { due, hasEarlyEvents } = await recordPayment(
    tx,
    {
      checkoutSessionId: session.id,
      paymentIntentId,
      stripeLinkId: session.payment_link ?? null,
      amountCents: session.amount_total ?? 0,
      currency: (session.currency ?? '').toLowerCase(),
      claimed: { unlockId: session.metadata?.unlock_id ?? null, leadId: session.metadata?.lead_id ?? null },
    },
    {
      latePayment: deps.settings.latePayment,
      paidAt: sentAtOf(row),
      heardAt: row.receivedAt,
      cause: 'stripe: paid',
    },
  )
  if (!hasEarlyEvents || paymentIntentId === null) return due
  return [...due, ...(await takeUpEarlyEvents(tx, deps, paymentIntentId, asked))]
}

const TELL_OF_REFUNDS: readonly StripeFact['kind'][] = ['charge_refunded', 'refund_changed']

/** What came before its payment takes effect together with it: no details are sent for money that is back already. */
async function takeUpEarlyEvents(
  tx: EntityManager,
  deps: JobDeps,
  paymentIntentId: string,
  asked: AskedRefunds | null,
): Promise<Due[]> {
  await tx.flush()
  const due: Due[] = []
  const early: { row: InboxRow; fact: StripeFact }[] = []
  for (const row of await lockEarlyEvents(tx, paymentIntentId)) {
    const fact = readIfPossible(deps, row)
    // Its own job calls a person, and it holds up nothing else.
    if (fact === null) due.push(handleAnew(row))
    else early.push({ row, fact })
  }
  // Each tells what was so when it was sent: a refund may have failed since.
  const ofRefunds = early.filter(({ fact }) => TELL_OF_REFUNDS.includes(fact.kind)).map(({ row }) => row.id)
  if (!ofRefunds.every((id) => asked?.because.includes(id))) throw new AskFirst(paymentIntentId, ofRefunds)
  const shown = asked?.refunds ?? null
  if (shown !== null) due.push(...((await recordRefundsShown(tx, paymentIntentId, shown)) ?? []))
  // What a refund says of itself counts more than the sum that its charge had then.
  early.sort(
    (one, other) => Number(other.fact.kind === 'charge_refunded') - Number(one.fact.kind === 'charge_refunded'),
  )
  for (const { row, fact } of early) {
    due.push(...((await recordFact(tx, deps, row, fact, asked)) ?? []))
    await markProcessed(tx, row, fact.kind)
  }
  return due
}

/** @returns null for one that nobody can read */
function readIfPossible(deps: JobDeps, row: InboxRow): StripeFact | null {
  try {
    return readFact(deps, row)
  } catch (error) {
    if (error instanceof FinalError) return null
    throw error
  }
}

/** @returns the job that is due: from here on the sweep looks after it, also after it was given up on */
function handleAnew(row: InboxRow): Due {
  row.status = 'received'
  row.attempts = 0
  row.nextAttemptAt = after(row.dbNow, GRACE_MS)
  return { job: 'handle-payment', inbox_id: row.id }
}

/** The payment a fact is about, by Stripe's id, where it names one. */
export function paymentIntentOf(fact: StripeFact): string | null {
  switch (fact.kind) {
    case 'charge_refunded':
      return fact.charge.payment_intent ?? null
    case 'refund_changed':
      return fact.refund.payment_intent ?? null
    case 'dispute':
      return fact.dispute.payment_intent ?? null
    case 'test_mode':
    case 'ignored':
      return null
    default:
      return fact.session.payment_intent ?? null
  }
}
