import {
  describeDispute,
  isInquiry,
  isLater,
  isLost,
  isWithBank,
  judgeDisputes,
  type NamedDispute,
} from '../../domain/disputes.ts'
import type { Due } from '../../domain/due.ts'
import { openEscalation, resolveEscalations } from '../escalations/escalations.ts'
import { databaseNow } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { lockPayment, noteMoney } from './payment-lock.ts'
import { callAboutMoneyLeft } from './refunds.ts'

/**
 * A dispute was opened or closed, or an inquiry became a chargeback, told in any order and repeatedly: an older "created"
 * does not reopen what is closed. A person is called about each dispute of a payment, and about each such chargeback.
 *
 * @returns null when the payment is not known (yet)
 */
export async function recordDispute(
  tx: EntityManager,
  { paymentIntentId, ...dispute }: NamedDispute & { paymentIntentId: string },
): Promise<Due[] | null> {
  const payment = await lockPayment(tx, 'payment_intent_id', paymentIntentId)
  if (payment === null) return null
  const { disputeId, closed } = dispute
  await rememberNameless(tx, payment.id)
  const known = (await disputesOf(tx, payment.id)).find((one) => one.disputeId === disputeId)
  if (known !== undefined && !isLater(dispute, known)) return []
  if (known === undefined) await replaceNameless(tx, payment.id, dispute)
  await tx.execute(
    `insert into payment_disputes (dispute_id, payment_id, status, closed) values (?, ?, ?, ?)
     on conflict (dispute_id) do update
       set status = excluded.status, closed = excluded.closed, updated_at = app_now()`,
    [disputeId, payment.id, dispute.status, closed],
  )
  const disputes = await disputesOf(tx, payment.id)
  payment.disputeStatus = judgeDisputes(disputes)
  payment.updatedAt = await databaseNow(tx)
  await tx.flush()
  if (payment.unlockId != null) await noteMoney(tx, payment.unlockId, `dispute ${describeDispute(dispute)}`)
  const subject = `dispute:${disputeId}`
  // Also when an inquiry becomes a chargeback: who was called about that is called anew.
  await resolveEscalations(tx, ['dispute'], subject, `dispute ${dispute.status}`)
  if (closed) {
    const isMoneyBack = !isInquiry(dispute) && !disputes.some(isWithBank)
    if (!isMoneyBack || payment.status !== 'refund_failed') return []
    // While it was disputed the payment took no refund, and whoever was called about that may have left it to the bank.
    const summary = `The refund of payment ${payment.id} had failed, and its dispute is over (${dispute.status}): the money is with us.`
    return callAboutMoneyLeft(tx, payment, { subject, summary })
  }
  const summary = `The payer disputes payment ${payment.id} (${disputeId}).`
  return openEscalation(tx, { kind: 'dispute', subject, unlockId: payment.unlockId ?? null, summary })
}

function disputesOf(tx: EntityManager, paymentId: number): Promise<NamedDispute[]> {
  return tx.execute<NamedDispute[]>(
    `select dispute_id as "disputeId", status, closed from payment_disputes where payment_id = ?
     order by updated_at, dispute_id`,
    [paymentId],
  )
}

/**
 * A worker of a version before writes what it is told of on the payment alone, also once the migration has been: while it goes
 * on beside the new ones, and when that version is gone back to.
 */
async function rememberNameless(tx: EntityManager, paymentId: number): Promise<void> {
  await tx.execute(
    `insert into payment_disputes (dispute_id, payment_id, status, closed)
     select 'unknown_' || id, id, regexp_replace(dispute_status, '^closed: ', ''), dispute_status like 'closed: %'
     from payments where id = ? and dispute_status is not null
       and not exists (select from payment_disputes where payment_id = payments.id)`,
    [paymentId],
  )
}

/**
 * An earlier version kept no ids: the dispute that it called a person about is the one of which more is told now. One that was
 * lost has taken the money: another's end gives none back.
 */
async function replaceNameless(tx: EntityManager, paymentId: number, told: NamedDispute): Promise<void> {
  const nameless = (await disputesOf(tx, paymentId)).find(({ disputeId }) => disputeId === `unknown_${paymentId}`)
  if (nameless === undefined || isLost(nameless) || !isLater(told, nameless)) return
  await tx.execute('delete from payment_disputes where dispute_id = ?', [nameless.disputeId])
  await resolveEscalations(tx, ['dispute'], `payment:${paymentId}`, `dispute ${told.status}`)
}
