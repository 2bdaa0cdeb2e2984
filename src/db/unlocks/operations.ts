import type { Due } from '../../domain/due.ts'
import { isReturning, type PaymentStatus } from '../../domain/refunds.ts'
import { isIn, LINK_DUE_STATUSES, LINK_SENT_STATUSES, PAID_STATUSES } from '../../domain/states.ts'
import { type Actor, recordAudit } from '../access/audit.ts'
import { GRACE_MS, isParked, unpark } from '../due/parking.ts'
import { Payment, Provider, type Unlock } from '../entities/index.ts'
import { isContactErased } from '../leads/leads.ts'
import { addLinkMessage, addReveal } from '../ledger/messages.ts'
import { isPaymentKept } from '../payments/payments.ts'
import { giveUpKept } from '../payments/refunds.ts'
import { after } from '../postgres/clock.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import { applyEvent, lockUnlock } from './apply-event.ts'

/** What an operator may do to an unlock by hand. */
export type Operation = 'retry-reveal' | 'resend-link' | 'expire' | 'refund'

/** The unlock's state does not allow the operation. The message is for the operator. */
export class NotAllowedError extends Error {
  readonly code = 'not_allowed'
}

/** Payments whose money is with us and not on its way back. */
const OURS: readonly PaymentStatus[] = ['kept', 'held', 'refund_failed']

/**
 * Does an operation under the unlock's row lock, audited in the same transaction. Repeating it changes nothing more, except
 * that a text which was sent meanwhile is sent again.
 *
 * @returns the unlock as it stands then, and what is due after the commit; null when there is no such unlock
 * @throws {NotAllowedError} nothing was changed
 */
export function operate(
  em: EntityManager,
  unlockId: number,
  operation: Operation,
  by: Actor,
): Promise<{ unlock: Unlock; due: Due[] } | null> {
  return inTransaction(em, async (tx) => {
    const unlock = await lockUnlock(tx, unlockId)
    if (unlock === null) return null
    const due = await run(tx, unlock, operation)
    await recordAudit(tx, { ...by, action: `unlock.${operation}`, target: `unlock:${unlockId}` })
    await tx.flush()
    return { unlock, due }
  })
}

function run(tx: EntityManager, unlock: Unlock, operation: Operation): Promise<Due[]> {
  switch (operation) {
    case 'retry-reveal':
      return retryReveal(tx, unlock)
    case 'resend-link':
      return resendLink(tx, unlock)
    case 'expire':
      return expire(tx, unlock)
    case 'refund':
      return refund(tx, unlock)
  }
}

async function retryReveal(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  if (!isIn(PAID_STATUSES, unlock.status)) throw notIn(unlock, 'the details are sent only once they are paid for')
  await requireSubscribed(tx, unlock)
  // Also after a refund that failed: that money is not ours, though it did not go back.
  if (!(await isPaymentKept(tx, unlock.id)))
    throw notIn(unlock, 'no payment for the details is kept: their money is back with the payer, or owed to them')
  if (await isContactErased(tx, unlock.leadId)) throw notIn(unlock, 'the contact details were erased')
  // While PAID the job finds, or makes, the one that is due.
  if (unlock.status !== 'PAID') await addReveal(tx, unlock)
  await unpark(tx, unlock, 'reveal')
  return [{ job: 'reveal', unlock_id: unlock.id }]
}

async function resendLink(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  await requireSubscribed(tx, unlock)
  if (isIn(LINK_SENT_STATUSES, unlock.status)) {
    await addLinkMessage(tx, unlock, `operator:${unlock.dbNow.toISOString()}`)
  } else if (!isIn(LINK_DUE_STATUSES, unlock.status)) throw notIn(unlock, 'no payment link is open')
  await unpark(tx, unlock, 'payment_link')
  return [{ job: 'create-payment-link', unlock_id: unlock.id }]
}

async function expire(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  if (unlock.status === 'EXPIRED') {
    // A Y could reopen an offer that was declined, and a payment that waits for a worker one whose TTL has passed; closed by
    // hand, it stays closed.
    unlock.closedReason = 'admin'
    return []
  }
  const { decision, due } = await applyEvent(tx, unlock.id, { type: 'admin_expire' }, 'operator')
  if (decision.path.length === 0) throw notIn(unlock, 'only what is not paid can be closed')
  return due
}

async function refund(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  const payments = await tx.find(Payment, { unlockId: unlock.id }, { orderBy: { id: 'asc' } })
  const ours = payments.filter(({ status }) => OURS.includes(status))
  if (payments.length === 0) throw notIn(unlock, 'there is no payment to give back')
  const isStuck = (payment: Payment) => isReturning(payment.status) && isParked(payment)
  const due = payments.filter(isStuck).map((payment) => wake(payment, unlock))
  for (const payment of ours) {
    const wasKept = payment.status === 'kept'
    payment.status = 'refund_due'
    payment.refundReason = 'operator'
    payment.updatedAt = unlock.dbNow
    due.push(wake(payment, unlock))
    if (wasKept) due.push(...(await giveUpKept(tx, unlock.id, 'operator refund')))
  }
  return due
}

/** @returns the job that is due: from here on the sweep looks after it */
function wake(payment: Payment, unlock: Unlock): Due {
  payment.attempts = 0
  payment.nextAttemptAt = after(unlock.dbNow, GRACE_MS)
  return { job: 'refund-payment', payment_id: payment.id }
}

async function requireSubscribed(tx: EntityManager, unlock: Unlock): Promise<void> {
  const provider = await tx.findOneOrFail(Provider, { id: unlock.providerId })
  if (provider.optedOutAt != null) throw notIn(unlock, 'the provider has opted out of messages')
}

function notIn(unlock: Unlock, why: string): NotAllowedError {
  return new NotAllowedError(`unlock ${unlock.id} is ${unlock.status}: ${why}`)
}
