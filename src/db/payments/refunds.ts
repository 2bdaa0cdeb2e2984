import type { Due } from '../../domain/due.ts'
import { hasFailed, judgeRefunds, type KnownRefund, namelessCents, REFUND_STATUSES } from '../../domain/refunds.ts'
import type { Payment } from '../entities/index.ts'
import { isOpen, openEscalation } from '../escalations/escalations.ts'
import { callOffParkedReveals } from '../ledger/messages.ts'
import { databaseNow } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { applyEvent } from '../unlocks/apply-event.ts'
import { lockPayment, noteMoney } from './payment-lock.ts'

/** What failed stays failed: an older word of its success comes late. */
const IN_ORDER = `{${REFUND_STATUSES.join(',')}}`

/**
 * The money of a payment is back with the payer, by our refund or by somebody's hand at Stripe. When it was the payment kept
 * for details that were not sent, they are not sent any more.
 *
 * @returns what is due
 */
export async function recordReturned(tx: EntityManager, payment: Payment, cause: string): Promise<Due[]> {
  const wasKept = payment.status === 'kept'
  const isNews = payment.status !== 'refunded'
  payment.status = 'refunded'
  payment.refundedCents = payment.amountCents
  payment.updatedAt = await databaseNow(tx)
  await resolveAboutRefunds(tx, payment)
  await tx.flush()
  if (payment.unlockId == null || !isNews) return []
  await noteMoney(tx, payment.unlockId, cause)
  return wasKept ? giveUpKept(tx, payment.unlockId, cause) : []
}

/**
 * The money kept for an unlock is the payer's from here on: details that were not sent are not sent any more.
 *
 * @returns what is due
 */
export async function giveUpKept(tx: EntityManager, unlockId: number, cause: string): Promise<Due[]> {
  await callOffParkedReveals(tx, unlockId)
  return (await applyEvent(tx, unlockId, { type: 'payment_returned' }, cause)).due
}

/**
 * `charge.refunded`.
 *
 * @param refunds every refund that Stripe shows of it; null where it lists none, or nothing went back: the charge's own sum counts
 * @returns null when the payment is not known (yet)
 */
export async function recordChargeRefunded(
  tx: EntityManager,
  charge: { paymentIntentId: string; amountCents: number; refundedCents: number; refunds: KnownRefund[] | null },
): Promise<Due[] | null> {
  if (charge.refunds !== null) return recordRefundsShown(tx, charge.paymentIntentId, charge.refunds)
  const payment = await lockPayment(tx, 'payment_intent_id', charge.paymentIntentId)
  if (payment === null) return null
  if (payment.status !== 'kept' && payment.status !== 'held') return []
  if (charge.refundedCents >= charge.amountCents) return recordReturned(tx, payment, 'charge.refunded')
  if (charge.refundedCents > payment.refundedCents) await recordPart(tx, payment, charge.refundedCents)
  return []
}

/** Every refund that Stripe shows of a payment. @returns null when it is not known (yet) */
export async function recordRefundsShown(
  tx: EntityManager,
  paymentIntentId: string,
  refunds: readonly KnownRefund[],
): Promise<Due[] | null> {
  const payment = await lockPayment(tx, 'payment_intent_id', paymentIntentId)
  return payment === null ? null : recordRefunds(tx, payment, refunds, 'charge.refunded')
}

/** `refund.created`, `refund.updated`, `refund.failed`. @returns null when the payment is not known (yet) */
export async function recordRefundStatus(
  tx: EntityManager,
  { paymentIntentId, ...refund }: KnownRefund & { paymentIntentId: string },
): Promise<Due[] | null> {
  const payment = await lockPayment(tx, 'payment_intent_id', paymentIntentId)
  return payment === null ? null : recordRefunds(tx, payment, [refund], `refund ${refund.status}`)
}

/**
 * Records what became known of refunds, in any order and repeatedly, and what that makes of their payment.
 *
 * @param payment locked
 * @returns what is due
 */
export async function recordRefunds(
  tx: EntityManager,
  payment: Payment,
  news: readonly KnownRefund[],
  cause: string,
): Promise<Due[]> {
  const before = await refundsOf(tx, payment.id)
  const failing: KnownRefund[] = []
  for (const refund of news)
    if ((await storeRefund(tx, payment.id, refund)) && hasFailed(refund.status)) failing.push(refund)
  const refunds = await refundsOf(tx, payment.id)
  const nameless = namelessCents(payment.refundedCents, before, refunds)
  if (nameless > 0) refunds.push({ refundId: '', amountCents: nameless, status: 'succeeded' })
  const verdict = judgeRefunds({ ...payment, refundId: payment.refundId ?? null }, refunds, failing)
  switch (verdict.type) {
    case 'returned':
      return recordReturned(tx, payment, cause)
    case 'failed':
      payment.refundedCents = verdict.cents
      return recordRefundFailed(tx, payment, verdict.code)
    case 'in_part':
      await recordPart(tx, payment, verdict.cents)
      break
    case 'unchanged':
      break
  }
  const [failed] = failing
  if (payment.status !== 'refund_failed' || failed === undefined) return []
  // Whoever paid back what was left of it, and is not called about it any more, counted on this refund.
  const summary = `A part of payment ${payment.id} that had gone back failed (${failed.status}) after the rest was settled by hand.`
  return callAboutMoneyLeft(tx, payment, { subject: `refund:${failed.refundId}`, summary })
}

/** Those whose ids are known. What an earlier version knew the sum of alone has none, whatever the migration called it. */
function refundsOf(tx: EntityManager, paymentId: number): Promise<KnownRefund[]> {
  return tx.execute<KnownRefund[]>(
    `select refund_id as "refundId", amount_cents as "amountCents", status from refunds
     where payment_id = ? and refund_id <> 'unknown_' || payment_id`,
    [paymentId],
  )
}

/** Stores a refund; an older word about one that is known changes nothing. @returns whether it was news */
async function storeRefund(tx: EntityManager, paymentId: number, refund: KnownRefund): Promise<boolean> {
  const rows = await tx.execute<object[]>(
    `insert into refunds (refund_id, payment_id, amount_cents, status) values (?, ?, ?, ?)
     on conflict (refund_id) do update set status = excluded.status, updated_at = app_now()
       where array_position(?::text[], refunds.status) < array_position(?::text[], excluded.status)
     returning refund_id`,
    [refund.refundId, paymentId, refund.amountCents, refund.status, IN_ORDER, IN_ORDER],
  )
  return rows.length > 0
}

async function recordPart(tx: EntityManager, payment: Payment, cents: number): Promise<void> {
  const what = cents < payment.refundedCents ? 'a refund failed, refunded in part' : 'refunded in part'
  payment.refundedCents = cents
  payment.updatedAt = await databaseNow(tx)
  await tx.flush()
  if (payment.unlockId != null) await noteMoney(tx, payment.unlockId, `${what}: ${cents}`)
}

/** A refund did not reach the payer. What is left of the money is ours to give: a person is called. */
export async function recordRefundFailed(tx: EntityManager, payment: Payment, code: string): Promise<Due[]> {
  payment.status = 'refund_failed'
  // Under the old key Stripe would answer the next try with the refund that failed.
  payment.refundAttempt += 1
  payment.updatedAt = await databaseNow(tx)
  await tx.flush()
  return openEscalation(tx, {
    kind: 'refund_failed',
    subject: `payment:${payment.id}`,
    unlockId: payment.unlockId ?? null,
    summary: `The refund of payment ${payment.id} failed (${code}).`,
  })
}

/**
 * Calls a person about money of a payment that turns out to be with us, though they were done with the refund of it that had
 * failed. Its subject is not the payment: with that escalation open again, a retry of the failed job would pay everything
 * back, also what they have paid back another way.
 */
export async function callAboutMoneyLeft(
  tx: EntityManager,
  payment: Payment,
  about: { subject: string; summary: string },
): Promise<Due[]> {
  if (await isOpen(tx, 'refund_failed', `payment:${payment.id}`)) return []
  return openEscalation(tx, { kind: 'refund_failed', unlockId: payment.unlockId ?? null, ...about })
}

async function resolveAboutRefunds(tx: EntityManager, payment: Payment): Promise<void> {
  await tx.execute(
    `update escalations set resolved_at = app_now(), resolved_by = 'refunded'
     where resolved_at is null and kind = 'refund_failed'
       and (subject = ? or subject in (select 'refund:' || refund_id from refunds where payment_id = ?
         union all select 'dispute:' || dispute_id from payment_disputes where payment_id = ?))`,
    [`payment:${payment.id}`, payment.id, payment.id],
  )
}
