import { PARKED_UNTIL } from '../../db/due/parking.ts'
import { Payment, Unlock } from '../../db/entities/index.ts'
import { isOpen } from '../../db/escalations/escalations.ts'
import { lockPayment } from '../../db/payments/payment-lock.ts'
import { recordRefundFailed, recordRefunds, recordReturned } from '../../db/payments/refunds.ts'
import { after, databaseNow } from '../../db/postgres/clock.ts'
import type { EntityManager } from '../../db/postgres/orm.ts'
import type { Due } from '../../domain/due.ts'
import { isReturning, type KnownRefund } from '../../domain/refunds.ts'
import { RefusedError, UnclearError } from '../../gateways/errors.ts'
import type { Refund } from '../../gateways/stripe.ts'
import type { JobDeps } from '../deps.ts'
import { FinalError } from '../errors.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** How long Stripe's own word on a pending refund is waited for before it is asked, milliseconds. */
const ASK_AFTER_MS = 3_600_000

/** Gives money back, once: the idempotency key is the payment's, and Stripe refuses a second refund of one charge. */
export const refundPayment = defineJob({
  name: 'refund-payment',

  async run(deps, { payment_id }) {
    const payment = await deps.em.findOne(Payment, { id: payment_id })
    if (payment === null || !(isReturning(payment.status) || payment.status === 'refund_failed')) return
    // A person's retry of a failed job starts anew, unless whoever resolved the escalation has paid the money back by hand.
    if (payment.status === 'refund_failed' && !(await isOpen(deps.em, 'refund_failed', `payment:${payment_id}`)))
      throw new FinalError('settled_by_hand')
    const refund = await askStripe(deps, payment)
    if (refund === null) return
    const refunds = await withOtherParts(deps, payment, refund)
    await recordAndPublish(deps, (tx) => record(tx, payment_id, refund, refunds))
  },

  async onFailed(deps, { payment_id }, code) {
    await recordAndPublish(deps, async (tx) => {
      const payment = await lockPayment(tx, 'id', payment_id)
      // It was made; that Stripe could not be asked says nothing of it. Called failed, it might be paid out once more by hand.
      if (payment?.status === 'refund_pending') {
        payment.nextAttemptAt = after(await databaseNow(tx), ASK_AFTER_MS)
      }
      if (payment?.status !== 'refund_due') return []
      payment.nextAttemptAt = PARKED_UNTIL
      return recordRefundFailed(tx, payment, code)
    })
  },
})

async function askStripe(deps: JobDeps, payment: Payment): Promise<Refund | null> {
  if (payment.status === 'refund_pending' && payment.refundId != null) return deps.stripe.getRefund(payment.refundId)
  if (payment.paymentIntentId == null) {
    // A price of zero: nothing was charged. Money that Stripe names no intent of can be found by a person alone.
    if (payment.amountCents > 0) throw new FinalError('no_payment_intent')
    return { refundId: null, status: 'succeeded' }
  }
  const unlock = payment.unlockId == null ? null : await deps.em.fork().findOne(Unlock, { id: payment.unlockId })
  try {
    return await deps.stripe.refund({
      paymentId: payment.id,
      paymentIntentId: payment.paymentIntentId,
      leadId: unlock?.leadId ?? 'no-lead',
      attempt: payment.refundAttempt,
      reason: payment.refundReason ?? 'requested',
    })
  } catch (error) {
    if (error instanceof UnclearError || error instanceof RefusedError) await takeNewAttempt(deps, payment.id)
    throw error
  }
}

/** One of a part leaves the rest to refunds that a person made, of which no event may have told. */
async function withOtherParts(deps: JobDeps, payment: Payment, refund: Refund): Promise<KnownRefund[]> {
  if (refund.refundId === null) return []
  if (refund.amountCents >= payment.amountCents || payment.paymentIntentId == null) return [refund]
  return [...((await deps.stripe.listRefunds(payment.paymentIntentId)) ?? []), refund]
}

/** Stripe repeats its first answer under the old key; a second refund of the same charge it refuses anyway. */
async function takeNewAttempt(deps: JobDeps, paymentId: number): Promise<void> {
  await deps.em.fork().execute('update payments set refund_attempt = refund_attempt + 1 where id = ?', [paymentId])
}

/** @param refunds that one, and the others where it is of a part */
async function record(
  tx: EntityManager,
  paymentId: number,
  refund: Refund,
  refunds: readonly KnownRefund[],
): Promise<Due[]> {
  const payment = await lockPayment(tx, 'id', paymentId)
  if (payment === null || payment.status === 'refunded') return []
  if (refund.refundId === null) return recordReturned(tx, payment, 'refund succeeded')
  const now = await databaseNow(tx)
  if (payment.status !== 'refund_pending') payment.updatedAt = now
  payment.refundId = refund.refundId
  payment.status = 'refund_pending'
  // Stripe answered: what it says may stay the same for days, and is no reason to give up asking.
  payment.attempts = 0
  payment.nextAttemptAt = after(now, ASK_AFTER_MS)
  return recordRefunds(tx, payment, refunds, `refund ${refund.status}`)
}
