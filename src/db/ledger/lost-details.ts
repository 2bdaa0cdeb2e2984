import type { Due } from '../../domain/due.ts'
import { isUnsent } from '../../domain/outbound.ts'
import { DETAILS_SENT_STATUSES, isIn } from '../../domain/states.ts'
import { OutboundMessage, type Unlock } from '../entities/index.ts'
import { openEscalation } from '../escalations/escalations.ts'
import { isPaymentKept } from '../payments/payments.ts'
import type { EntityManager } from '../postgres/orm.ts'

/**
 * Calls a person when details are paid for, went out, and no sending of them has arrived or is under way: else the unlock
 * would stay as it is, and nobody hear of it. Asks no more what became of them; the next sending that is accepted sets the
 * time for that anew.
 *
 * Of a last sending that the carrier lost, or the gateway refused, a person was told when that became known, and is not
 * called again. Of one that was called off, because of a STOP, nobody was told.
 *
 * @param unlock locked
 * @returns what is due; the sweep finds it as well
 */
export async function callAboutLostDetails(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  if (!isIn(DETAILS_SENT_STATUSES, unlock.status)) return []
  await tx.flush()
  const reveals = await tx.find(OutboundMessage, { unlockId: unlock.id, purpose: 'reveal' })
  if (reveals.some(({ status }) => ['accepted', 'delivered'].includes(status) || isUnsent(status))) return []
  unlock.revealConfirmAt = null
  if (!(await isPaymentKept(tx, unlock.id)) || (await wasCalledAboutLast(tx, unlock.id))) return []
  return callAboutLoss(tx, unlock, reveals.filter(({ status }) => status === 'undelivered').length)
}

/** Calls a person: the carrier lost the details so many times. */
export function callAboutLoss(tx: EntityManager, unlock: Unlock, lost: number): Promise<Due[]> {
  const summary = `The carrier did not deliver the details of unlock ${unlock.id} (${lost} times).`
  const subject = `unlock:${unlock.id}`
  return openEscalation(tx, { kind: 'reveal_undeliverable', subject, unlockId: unlock.id, summary })
}

async function wasCalledAboutLast(tx: EntityManager, unlockId: number): Promise<boolean> {
  const rows = await tx.execute<object[]>(
    `select from escalations where unlock_id = ? and kind in ('reveal_failed', 'reveal_undeliverable')
       and coalesce(resolved_at, 'infinity') >= (
         select max(final_at) from outbound_messages where unlock_id = ? and purpose = 'reveal')`,
    [unlockId, unlockId],
  )
  return rows.length > 0
}
