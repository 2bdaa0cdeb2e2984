import type { Due } from '../../domain/due.ts'
import {
  type DeliveryOutcome,
  isUnsent,
  type Purpose,
  receiptOutcome,
  saysUnsubscribed,
} from '../../domain/outbound.ts'
import { isIn, PAID_STATUSES } from '../../domain/states.ts'
import { OutboundMessage, type Unlock } from '../entities/index.ts'
import { resolveEscalations } from '../escalations/escalations.ts'
import { isContactErased } from '../leads/leads.ts'
import { isPaymentKept } from '../payments/payments.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { applyEvent } from '../unlocks/apply-event.ts'
import { accept } from './acceptance.ts'
import { callAboutLoss } from './lost-details.ts'
import { lockMessage } from './message-lock.ts'
import { addReveal } from './messages.ts'

/** How often details that the carrier lost are sent again by themselves. */
const MAX_CARRIER_RETRIES = 2

export type Receipt = { messageId: number; gatewayId: string | null; letter: string; rejectReason: string | null }

/**
 * The message a receipt is about: by the gateway's id, else by the reference we gave, if it went to that number. Another
 * environment on the same account counts its references from one as well: of a text that we never gave to the gateway it
 * has none of ours.
 */
export async function findReceiptMessage(
  em: EntityManager,
  receipt: { gatewayId: string; reference: number | null; receiver: string | null },
): Promise<OutboundMessage | null> {
  const byGatewayId = await em.findOne(OutboundMessage, { gatewayId: receipt.gatewayId })
  if (byGatewayId !== null || receipt.reference === null) return byGatewayId
  const byReference = await em.findOne(OutboundMessage, { id: receipt.reference })
  // The answer to the send may have been recorded since the look by the gateway's id.
  if (byReference?.claimedAt == null || (byReference.gatewayId ?? receipt.gatewayId) !== receipt.gatewayId) return null
  return receipt.receiver === null || byReference.phone === receipt.receiver ? byReference : null
}

export type RecordedReceipt = {
  due: Due[]
  /** It tells that the receiver has unsubscribed, which a text that arrived does not. */
  unsubscribed: boolean
  /** The text's end became known by it, or is another one than was known. */
  ended: { purpose: Purpose; outcome: DeliveryOutcome } | null
}

/**
 * Records what became of a message at the carrier. A receipt is proof that the gateway accepted it, so it may come before our
 * own record of that. Receipts come in any order: delivered is the last word.
 */
export async function recordReceipt(
  tx: EntityManager,
  receipt: Receipt,
  revealConfirmMinutes: number,
): Promise<RecordedReceipt> {
  const locked = await lockMessage(tx, receipt.messageId)
  const due = await accept(tx, locked, receipt.gatewayId, revealConfirmMinutes)
  const { message, unlock } = locked
  const outcome = receiptOutcome(receipt.letter)
  if (message.status === 'delivered') return { due, unsubscribed: false, ended: null }
  const unsubscribed = saysUnsubscribed(receipt)
  if (message.deliveryStatus === receipt.letter) return { due, unsubscribed, ended: null }
  message.deliveryStatus = receipt.letter
  message.rejectReason = receipt.rejectReason
  if (outcome === 'on_the_way') return { due, unsubscribed: false, ended: null }
  const isNews = message.status !== outcome
  message.status = outcome
  message.finalAt = message.dbNow
  await tx.flush()
  if (isNews && message.purpose === 'reveal' && unlock !== null && isIn(PAID_STATUSES, unlock.status)) {
    if (outcome === 'delivered') {
      due.push(...(await applyEvent(tx, unlock.id, { type: 'reveal_confirmed' }, 'delivered')).due)
      await resolveEscalations(tx, ['reveal_failed', 'reveal_undeliverable'], `unlock:${unlock.id}`, 'delivered')
    } else {
      due.push(...(await onLostReveal(tx, unlock)))
    }
  }
  const ended = isNews
    ? { purpose: message.purpose, outcome: unsubscribed ? ('unsubscribed' as const) : outcome }
    : null
  return { due, unsubscribed, ended }
}

/**
 * The carrier did not deliver the details: send them again, a bounded number of times, then call a person. Of who has opted
 * out it is the claim that sends nothing and calls one.
 */
async function onLostReveal(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  const reveals = await tx.find(OutboundMessage, { unlockId: unlock.id, purpose: 'reveal' })
  if (reveals.some(({ status }) => status === 'delivered' || isUnsent(status))) return []
  // Their money is back: nothing is owed.
  if (!(await isPaymentKept(tx, unlock.id))) return []
  const lost = reveals.filter(({ status }) => status === 'undelivered').length
  if (lost <= MAX_CARRIER_RETRIES && !(await isContactErased(tx, unlock.leadId))) {
    await addReveal(tx, unlock)
    return [{ job: 'reveal', unlock_id: unlock.id }]
  }
  return callAboutLoss(tx, unlock, lost)
}
