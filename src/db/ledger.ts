import { longestBackoffMs, PATIENT } from '../domain/backoff.ts'
import type { Due } from '../domain/due.ts'
import { isStillWanted } from '../domain/outbound.ts'
import { offerAllowedAt, type QuietPolicy } from '../domain/quiet-hours.ts'
import { isIn, LINK_DUE_STATUSES } from '../domain/states.ts'
import type { UnlockEvent } from '../domain/transition.ts'
import { applyToLocked } from './apply-event.ts'
import type { EffectContext } from './effects.ts'
import { type Lead, type OutboundMessage, PaymentLink, type Unlock } from './entities/index.ts'
import { callAboutLostDetails } from './lost-details.ts'
import { escalateMessage, resolveAboutMessage } from './message-escalations.ts'
import { type Claimable, type Locked, lock, lockForClaim, type Recordable } from './message-lock.ts'
import type { EntityManager } from './orm.ts'
import { after, GRACE_MS, PARKED_UNTIL } from './parking.ts'

export type LedgerTiming = {
  /**
   * A claim older than this is abandoned, and what it may have sent is looked for. The call begins in the first half of it,
   * or not at all (workers/deliver.ts), and has its timeout behind it well before the end.
   */
  leaseMs: number
  /** How long an unclear send may still turn up at the gateway before it is looked for. */
  settleMs: number
  /** The same when the gateway itself has answered that it failed: it is no longer at it. */
  answeredSettleMs: number
}

export const DEFAULT_LEDGER_TIMING: LedgerTiming = { leaseMs: 30_000, settleMs: 20_000, answeredSettleMs: 5_000 }

/** Looking through the gateway's recent sends may take a page for every hundred of them, each in a slot of the send limit. */
const LOOK_UP_LEASE_MS = 60_000

/** What the text of a reveal is made of. */
export type RevealParts = { providerName: string; lead: Lead }

export type Claim =
  /** Ours to send; `reveal` is set for a reveal, whose contact details stay until an outcome is recorded. */
  | { type: 'send'; message: OutboundMessage; unlock: Unlock | null; reveal: RevealParts | null; lease: Date }
  /** It may have been sent: look it up, then `recordAccepted` or `recordAbsent`. `since` is when it was first claimed. */
  | { type: 'look_up'; message: OutboundMessage; unlock: Unlock | null; since: Date; lease: Date }
  /** Another worker has it, an unclear answer settles, or the receiver has quiet hours. */
  | { type: 'busy'; retryInMs: number }
  | { type: 'settled'; status: OutboundMessage['status'] }

/** The state that waits for a message of this purpose to be accepted; the sweep would wake its job up again and again. */
const WAITS_FOR: Partial<Record<OutboundMessage['purpose'], Unlock['status']>> = {
  payment_link: 'CREATE_PAYMENT_LINK',
  reveal: 'PAID',
}

/**
 * Claims a message for sending. Commit before calling the gateway: from then on the message counts as possibly sent until
 * an outcome is recorded.
 *
 * @throws {Error} when the message does not exist
 */
export async function claim(
  tx: EntityManager,
  messageId: number,
  timing: LedgerTiming,
  quiet: QuietPolicy,
): Promise<Claim> {
  const claimable = await lockForClaim(tx, messageId)
  const { message, unlock, receiver, lead } = claimable
  const now = message.dbNow
  switch (message.status) {
    // A person has the job of a refused message run again: it was certainly not sent.
    case 'failed':
    case 'pending': {
      if (message.notBefore != null && message.notBefore > now)
        return { type: 'busy', retryInMs: wait(message.notBefore, now) }
      if (!(await stillWanted(tx, claimable))) {
        message.status = 'cancelled'
        message.finalAt = now
        // Details that were lost before are nobody's concern any more unless somebody is called.
        if (message.purpose === 'reveal' && unlock !== null) await callAboutLostDetails(tx, unlock)
        return { type: 'settled', status: 'cancelled' }
      }
      if (message.purpose === 'teaser') {
        const allowedAt = offerAllowedAt(now, receiver?.timeZone ?? null, quiet, timing.leaseMs)
        if (allowedAt > now) return putOff(message, allowedAt)
      }
      // Nothing was sent yet: it goes to the number they have now, not to one that was corrected since. A STOP is confirmed to
      // the number that said it.
      if (receiver !== null && message.purpose !== 'stop_confirmation') message.phone = receiver.phone
      message.status = 'sending'
      message.attempts += 1
      message.claimedAt ??= now
      message.finalAt = null
      message.leaseUntil = after(now, timing.leaseMs)
      message.nextAttemptAt = message.leaseUntil
      if (message.purpose === 'teaser' && unlock !== null) unlock.teaserSentAt = now
      const reveal = lead === null || receiver === null ? null : { providerName: receiver.name, lead }
      return { type: 'send', message, unlock, reveal, lease: message.leaseUntil }
    }
    case 'sending':
    case 'unknown':
      if (message.leaseUntil != null && message.leaseUntil > now) {
        return { type: 'busy', retryInMs: wait(message.leaseUntil, now) }
      }
      message.status = 'unknown'
      message.attempts += 1
      message.leaseUntil = after(now, LOOK_UP_LEASE_MS)
      message.nextAttemptAt = message.leaseUntil
      return {
        type: 'look_up',
        message,
        unlock,
        since: message.claimedAt ?? message.createdAt,
        lease: message.leaseUntil,
      }
    default:
      return { type: 'settled', status: message.status }
  }
}

/** Has a message wait for an hour at which it may be sent. The wake-ups so far brought nothing forward, and nothing is wrong. */
function putOff(message: OutboundMessage, until: Date): Claim {
  message.status = 'pending'
  message.notBefore = until
  message.attempts = 0
  message.finalAt = null
  message.nextAttemptAt = after(until, GRACE_MS)
  return { type: 'busy', retryInMs: wait(until, message.dbNow) }
}

/** True when nothing is left to be sent, and nobody may ask for it again. */
export function isSettled(status: OutboundMessage['status']): boolean {
  return ['accepted', 'delivered', 'undelivered', 'cancelled'].includes(status)
}

/** Event of the state machine that an accepted message stands for. */
const ACCEPTED_EVENT: Partial<Record<OutboundMessage['purpose'], UnlockEvent>> = {
  teaser: { type: 'teaser_accepted' },
  payment_link: { type: 'link_accepted' },
  reveal: { type: 'reveal_accepted' },
}

/** The SMS of a link that was closed meanwhile says nothing about the link that took its place, or that could not be made. */
async function concernsOpenLink(tx: EntityManager, message: OutboundMessage): Promise<boolean> {
  if (message.paymentLinkId == null) return true
  const link = await tx.findOneOrFail(PaymentLink, { id: message.paymentLinkId })
  return link.status === 'open'
}

/** The gateway has the message. Repeating it, or learning it from a receipt first, changes nothing. */
export async function recordAccepted(
  tx: EntityManager,
  messageId: number,
  gatewayId: string | null,
  context: EffectContext,
): Promise<Due[]> {
  const locked = await lock(tx, messageId)
  return locked === null ? [] : accept(tx, locked, gatewayId, context)
}

/** The same for a message whose rows the transaction has locked. */
export async function accept(
  tx: EntityManager,
  { message, unlock, isEscalated }: Recordable,
  gatewayId: string | null,
  context: EffectContext,
): Promise<Due[]> {
  message.gatewayId ??= gatewayId
  if (message.acceptedAt != null) return []
  message.acceptedAt = message.dbNow
  message.status = 'accepted'
  message.leaseUntil = null
  message.errorCode = null
  const isUpToDate = await concernsOpenLink(tx, message)
  const isLinkDue = unlock !== null && isIn(LINK_DUE_STATUSES, unlock.status)
  if (isEscalated && (isUpToDate || !isLinkDue)) await resolveAboutMessage(tx, message)
  const due: Due[] = []
  const event = ACCEPTED_EVENT[message.purpose]
  if (event !== undefined && unlock !== null && isUpToDate) {
    // Also when nobody knew of the send any more: it is what a bare Y answers.
    if (message.purpose === 'teaser') unlock.teaserSentAt ??= message.claimedAt ?? message.dbNow
    // Also for details that are sent again, which do not move the unlock.
    if (message.purpose === 'reveal')
      unlock.revealConfirmAt = after(unlock.dbNow, context.revealConfirmMinutes * 60_000)
    due.push(...(await applyToLocked(tx, unlock, event, `sms:${message.purpose}`, context)).due)
    if (message.purpose === 'reveal') due.push({ job: 'confirm-delivery', unlock_id: unlock.id })
  }
  return due
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
  message.nextAttemptAt = afterRetry(message, message.dbNow)
  message.errorCode = errorCode
  takeTeaserBack(locked)
}

/** What was claimed was not tried: as if it never had been. @param lease of that claim */
export async function putBack(tx: EntityManager, messageId: number, lease: Date): Promise<void> {
  const locked = await lockClaimed(tx, messageId, lease)
  if (locked === null) return
  const { message } = locked
  message.status = 'pending'
  message.attempts -= 1
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
  message.nextAttemptAt = afterRetry(message, message.leaseUntil)
}

/**
 * When the sweep looks at a message that could not be sent: once its job must have tried again. Before that, each wake-up
 * would double the job, and count as one that brought nothing forward.
 *
 * @param from it is not tried before
 */
function afterRetry({ attempts, dbNow }: OutboundMessage, from: Date): Date {
  const retried = after(dbNow, longestBackoffMs(attempts, PATIENT))
  return after(retried > from ? retried : from, GRACE_MS)
}

/** The gateway refused it for good. A person hears of it, except for a confirmation that the gateway may block. */
export async function recordRefused(
  tx: EntityManager,
  messageId: number,
  lease: Date,
  errorCode: string,
): Promise<Due[]> {
  const locked = await lockClaimed(tx, messageId, lease)
  if (locked === null) return []
  const { message, unlock } = locked
  message.status = 'failed'
  message.errorCode = errorCode
  message.finalAt = message.dbNow
  takeTeaserBack(locked)
  if (unlock !== null && unlock.status === WAITS_FOR[message.purpose]) unlock.nextAttemptAt = PARKED_UNTIL
  if (message.purpose === 'stop_confirmation') return []
  return escalateMessage(tx, message, `was refused by the SMS gateway (${errorCode})`)
}

/** Attempts are used up: the message waits for a person, who retries the job. */
export async function parkMessage(tx: EntityManager, messageId: number, errorCode: string): Promise<Due[]> {
  const locked = await lock(tx, messageId)
  if (locked === null) return []
  const { message } = locked
  if (!['pending', 'sending', 'unknown'].includes(message.status)) return []
  message.nextAttemptAt = PARKED_UNTIL
  return escalateMessage(tx, message, `could not be sent (${errorCode})`)
}

async function stillWanted(
  tx: EntityManager,
  { message, unlock, optedOut, lead, isPaid }: Claimable,
): Promise<boolean> {
  const link = message.paymentLinkId == null ? null : await tx.findOneOrFail(PaymentLink, { id: message.paymentLinkId })
  const isReveal = message.purpose === 'reveal'
  // Its text is erased: whatever it was, its time is over.
  if (!isReveal && message.body == null) return false
  return isStillWanted({
    purpose: message.purpose,
    unlockStatus: unlock?.status ?? null,
    ttlPassed: unlock !== null && unlock.ttlExpiresAt <= unlock.dbNow,
    optedOut,
    linkOpen: link?.status === 'open',
    contactErased: lead?.contactErasedAt != null,
    paid: isPaid,
  })
}

function wait(until: Date, now: Date): number {
  return Math.max(50, until.getTime() - now.getTime())
}
