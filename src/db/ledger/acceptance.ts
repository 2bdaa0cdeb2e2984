import type { Due } from '../../domain/due.ts'
import { isIn, LINK_DUE_STATUSES } from '../../domain/states.ts'
import type { UnlockEvent } from '../../domain/transition.ts'
import { type OutboundMessage, PaymentLink } from '../entities/index.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { applyToLocked } from '../unlocks/apply-event.ts'
import { resolveAboutMessage } from './message-escalations.ts'
import { lock, type Recordable } from './message-lock.ts'

/** Event of the state machine that an accepted message stands for. */
const ACCEPTED_EVENT: Partial<Record<OutboundMessage['purpose'], UnlockEvent>> = {
  teaser: { type: 'teaser_accepted' },
  payment_link: { type: 'link_accepted' },
  reveal: { type: 'reveal_accepted' },
}

/**
 * False for the SMS of a link that was closed meanwhile. What becomes of it says nothing about the link that took its place, or
 * that could not be made: its acceptance must not count as that one's.
 */
export async function concernsOpenLink(tx: EntityManager, message: OutboundMessage): Promise<boolean> {
  if (message.paymentLinkId == null) return true
  const link = await tx.findOneOrFail(PaymentLink, { id: message.paymentLinkId })
  return link.status === 'open'
}

/** The gateway has the message. Repeating it, or learning it from a receipt first, changes nothing. */
export async function recordAccepted(
  tx: EntityManager,
  messageId: number,
  gatewayId: string | null,
  revealConfirmMinutes: number,
): Promise<Due[]> {
  const locked = await lock(tx, messageId)
  return locked === null ? [] : accept(tx, locked, gatewayId, revealConfirmMinutes)
}

/** The same for a message whose rows the transaction has locked. */
export async function accept(
  tx: EntityManager,
  { message, unlock, isEscalated }: Recordable,
  gatewayId: string | null,
  revealConfirmMinutes: number,
): Promise<Due[]> {
  message.gatewayId ??= gatewayId
  if (message.acceptedAt != null) return []
  message.acceptedAt = message.dbNow
  message.status = 'accepted'
  message.leaseUntil = null
  message.errorCode = null
  const isUpToDate = await concernsOpenLink(tx, message)
  const isLinkDue = unlock !== null && isIn(LINK_DUE_STATUSES, unlock.status)
  // Where another link is due, the escalation may be about that one, and then it stays open.
  if (isEscalated && (isUpToDate || !isLinkDue)) await resolveAboutMessage(tx, message)
  const due: Due[] = []
  const event = ACCEPTED_EVENT[message.purpose]
  if (event !== undefined && unlock !== null && isUpToDate) {
    // Also after it was taken for not sent, which took the time away: a bare Y answers the offer that was texted last.
    if (message.purpose === 'teaser') unlock.teaserSentAt ??= message.claimedAt ?? message.dbNow
    // Also for details that are sent again, which do not move the unlock.
    if (message.purpose === 'reveal') unlock.revealConfirmAt = after(unlock.dbNow, revealConfirmMinutes * 60_000)
    due.push(...(await applyToLocked(tx, unlock, event, `sms:${message.purpose}`)).due)
    if (message.purpose === 'reveal') due.push({ job: 'confirm-delivery', unlock_id: unlock.id })
  }
  return due
}
