import { longestBackoffMs, PATIENT } from '../../domain/backoff.ts'
import type { Due } from '../../domain/due.ts'
import { isUnsent, mayBeWanted } from '../../domain/outbound.ts'
import { DETAILS_SENT_STATUSES, isIn } from '../../domain/states.ts'
import { GRACE_MS, PARKED_UNTIL } from '../due/parking.ts'
import type { OutboundMessage, Unlock } from '../entities/index.ts'
import { isPaymentKept } from '../payments/payments.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { concernsOpenLink } from './acceptance.ts'
import { uncountClaim } from './claim-count.ts'
import { escalateMessage } from './message-escalations.ts'
import { type Locked, lock } from './message-lock.ts'

/** The state in which an unlock waits for a message of this purpose: the sweep finds the unlock as well as the message. */
const WAITS_FOR: Partial<Record<OutboundMessage['purpose'], Unlock['status']>> = {
  payment_link: 'CREATE_PAYMENT_LINK',
  reveal: 'PAID',
}

/**
 * Locks a message for recording an outcome other than acceptance, if the claim is still the caller's. Whoever let its lease
 * run out has nothing to say any more: another worker may be sending by now.
 */
async function lockClaimed(tx: EntityManager, messageId: number, lease: Date): Promise<Locked | null> {
  const locked = await lock(tx, messageId)
  if (locked === null) return null
  const { status, leaseUntil } = locked.message
  const isClaimed = status === 'sending' || status === 'unknown'
  return isClaimed && leaseUntil?.getTime() === lease.getTime() ? locked : null
}

/** The gateway does not have it: it may be sent again. @param lease of the claim that found out */
export async function recordAbsent(
  tx: EntityManager,
  messageId: number,
  lease: Date,
  errorCode: string | null,
): Promise<void> {
  const locked = await lockClaimed(tx, messageId, lease)
  if (locked === null) return
  const { message } = locked
  message.status = 'pending'
  message.leaseUntil = null
  message.errorCode = errorCode
  await leaveToJob(tx, locked, afterRetry(message, message.dbNow))
  takeTeaserBack(locked)
}

/** What was claimed was not tried, or has to be claimed anew: as if it never had been. @param lease of that claim */
export async function putBack(tx: EntityManager, messageId: number, lease: Date): Promise<void> {
  const locked = await lockClaimed(tx, messageId, lease)
  if (locked === null) return
  const { message } = locked
  message.status = 'pending'
  uncountClaim(message)
  message.leaseUntil = null
  message.nextAttemptAt = after(message.dbNow, GRACE_MS)
  takeTeaserBack(locked)
}

/** A teaser that never left is not what a reply answers. */
function takeTeaserBack({ message, unlock }: Locked): void {
  if (message.purpose === 'teaser' && unlock?.status === 'NEW_LEAD') unlock.teaserSentAt = null
}

/**
 * Nobody knows whether the gateway has it: to be looked up once it had time to turn up.
 *
 * @param settleMs that time, one of `LedgerTiming`
 */
export async function recordUnclear(
  tx: EntityManager,
  messageId: number,
  lease: Date,
  errorCode: string,
  settleMs: number,
): Promise<void> {
  const locked = await lockClaimed(tx, messageId, lease)
  if (locked === null) return
  const { message } = locked
  message.status = 'unknown'
  message.errorCode = errorCode
  message.leaseUntil = after(message.dbNow, settleMs)
  await leaveToJob(tx, locked, afterRetry(message, message.leaseUntil))
}

/**
 * Has the sweep leave a message to its job until then, and the unlock that waits for it: both mean the same job, and found by
 * the unlock it would be woken up all the same.
 */
export async function leaveToJob(tx: EntityManager, locked: Locked, until: Date): Promise<void> {
  locked.message.nextAttemptAt = until
  await putUnlockOff(tx, locked, until)
}

/** Puts off the unlock that waits for the message. One that waits for another link by now stays due. */
async function putUnlockOff(tx: EntityManager, { message, unlock }: Locked, until: Date): Promise<void> {
  if (unlock === null || unlock.status !== WAITS_FOR[message.purpose]) return
  if (await concernsOpenLink(tx, message)) unlock.nextAttemptAt = until
}

/**
 * When the sweep looks at a message that could not be sent: once its job must have tried again by itself. Before that, a
 * wake-up would only make a second job of it, and count as one in vain, after some of which a person is called.
 *
 * @param from the job finds nothing to do before
 */
function afterRetry({ attempts, dbNow }: OutboundMessage, from: Date): Date {
  const retried = after(dbNow, longestBackoffMs(attempts, PATIENT))
  return after(retried > from ? retried : from, GRACE_MS)
}

/**
 * The gateway refused it for good. A person hears of it, except for a confirmation that the gateway may block, the text with a
 * link that was closed meanwhile, and what nobody wants any more: the offer ended, or the money went back, during the call.
 */
export async function recordRefused(
  tx: EntityManager,
  messageId: number,
  lease: Date,
  errorCode: string,
): Promise<Due[]> {
  const locked = await lockClaimed(tx, messageId, lease)
  if (locked === null) return []
  const { message } = locked
  message.status = 'failed'
  message.errorCode = errorCode
  message.finalAt = message.dbNow
  takeTeaserBack(locked)
  await putUnlockOff(tx, locked, PARKED_UNTIL)
  if (message.purpose === 'stop_confirmation' || !(await concernsOpenLink(tx, message))) return []
  if (await isNobodysConcern(tx, locked)) return []
  return escalateMessage(tx, message, `was refused by the SMS gateway (${errorCode})`)
}

/**
 * The offer ended, was paid, or the money for the details went back. Where details had gone out before, the unlock stays as it
 * is then, and only its payments tell.
 */
async function isNobodysConcern(tx: EntityManager, { message, unlock }: Locked): Promise<boolean> {
  if (unlock === null) return false
  if (!mayBeWanted(message.purpose, unlock.status)) return true
  const isSentAgain = message.purpose === 'reveal' && isIn(DETAILS_SENT_STATUSES, unlock.status)
  return isSentAgain && !(await isPaymentKept(tx, unlock.id))
}

/**
 * Attempts are used up: the message waits for a person, who retries the job. When nobody wants it any more since the last
 * attempt began, nobody is called about it: it stays due, and its next claim calls it off.
 */
export async function parkMessage(tx: EntityManager, messageId: number, errorCode: string): Promise<Due[]> {
  const locked = await lock(tx, messageId)
  if (locked === null) return []
  const { message } = locked
  if (!isUnsent(message.status)) return []
  if (await isNobodysConcern(tx, locked)) return []
  message.nextAttemptAt = PARKED_UNTIL
  return escalateMessage(tx, message, `could not be sent (${errorCode})`)
}
