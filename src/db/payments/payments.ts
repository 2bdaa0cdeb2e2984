import type { Due } from '../../domain/due.ts'
import type { Effect } from '../../domain/transition.ts'
import { GRACE_MS } from '../due/parking.ts'
import { Payment, type Unlock } from '../entities/index.ts'
import { type EscalationKind, openEscalation } from '../escalations/escalations.ts'
import { callOffParkedReveals } from '../ledger/messages.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'

type RefundReason = Extract<Effect, { type: 'refund_payment' }>['because']

/** Refunds that a person hears of; a late payment under LATE_PAYMENT=refund is what the operator asked for. */
const ESCALATED: Partial<Record<RefundReason, { kind: EscalationKind; why: string }>> = {
  paid_after_opt_out: { kind: 'paid_after_opt_out', why: 'paid after STOP' },
  second_payment: { kind: 'second_payment', why: 'it was the second' },
  contact_erased: { kind: 'paid_after_erasure', why: 'the contact details were erased before' },
  opted_out_before_reveal: { kind: 'opted_out_before_reveal', why: 'STOP came between payment and reveal' },
}

/** Whether the money for an unlock is with us, to stay. @param unlockId locked: its payments change under its lock */
export async function isPaymentKept(tx: EntityManager, unlockId: number): Promise<boolean> {
  return (await tx.count(Payment, { unlockId, status: 'kept' })) > 0
}

/**
 * Marks a payment as to be refunded: the one given, or the one kept for the unlock.
 *
 * @returns what is due: the refund, and an alert where a person must know
 */
export async function payBack(
  tx: EntityManager,
  unlock: Unlock,
  given: Payment | undefined,
  because: RefundReason,
): Promise<Due[]> {
  if (given === undefined && because !== 'opted_out_before_reveal') throw new Error(`no payment to refund: ${because}`)
  const payment = given ?? (await tx.findOne(Payment, { unlockId: unlock.id, status: 'kept' }))
  if (payment === null) return []
  if (payment.status === 'kept') {
    await callOffParkedReveals(tx, unlock.id)
    payment.updatedAt = unlock.dbNow
  }
  payment.status = 'refund_due'
  payment.refundReason = because
  payment.nextAttemptAt = after(unlock.dbNow, GRACE_MS)
  await tx.flush()
  const due: Due[] = [{ job: 'refund-payment', payment_id: payment.id }]
  const escalation = ESCALATED[because]
  if (escalation === undefined) return due
  const { kind, why } = escalation
  const summary = `Payment ${payment.id} of unlock ${unlock.id} is being refunded: ${why}.`
  const alert = await openEscalation(tx, { kind, subject: `payment:${payment.id}`, unlockId: unlock.id, summary })
  return [...due, ...alert]
}
