import { isStillWanted, waitsForQuietHours } from '../../domain/outbound.ts'
import { offerAllowedAt, type QuietPolicy } from '../../domain/quiet-hours.ts'
import { GRACE_MS } from '../due/parking.ts'
import { type Lead, type OutboundMessage, PaymentLink, type Unlock } from '../entities/index.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { countClaim } from './claim-count.ts'
import { callAboutLostDetails } from './lost-details.ts'
import { resolveAboutUnwanted } from './message-escalations.ts'
import { type Claimable, lockForClaim } from './message-lock.ts'
import { leaveToJob } from './outcomes.ts'

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
  const { status } = claimable.message
  switch (status) {
    // A person has the job of a refused message run again: it was certainly not sent.
    case 'failed':
    case 'pending':
      return claimToSend(tx, claimable, timing, quiet)
    case 'sending':
    case 'unknown':
      return claimToLookUp(tx, claimable)
    default:
      return { type: 'settled', status }
  }
}

async function claimToSend(
  tx: EntityManager,
  claimable: Claimable,
  timing: LedgerTiming,
  quiet: QuietPolicy,
): Promise<Claim> {
  const { message, unlock, receiver, lead } = claimable
  const now = message.dbNow
  if (message.notBefore != null && message.notBefore > now) return busyUntil(message.notBefore, now)
  if (!(await stillWanted(tx, claimable))) return callOff(tx, claimable)
  if (waitsForQuietHours(message.purpose)) {
    const allowedAt = offerAllowedAt(now, receiver?.timeZone ?? null, quiet, timing.leaseMs)
    if (allowedAt > now) return putOff(message, allowedAt)
  }
  // Nothing was sent yet: it goes to the number they have now, not to one that was corrected since. A STOP is confirmed to
  // the number that said it.
  if (receiver !== null && message.purpose !== 'stop_confirmation') message.phone = receiver.phone
  message.status = 'sending'
  countClaim(message)
  message.claimedAt ??= now
  message.finalAt = null
  message.leaseUntil = after(now, timing.leaseMs)
  message.nextAttemptAt = message.leaseUntil
  if (message.purpose === 'teaser' && unlock !== null) unlock.teaserSentAt = now
  const reveal = lead === null || receiver === null ? null : { providerName: receiver.name, lead }
  return { type: 'send', message, unlock, reveal, lease: message.leaseUntil }
}

async function callOff(tx: EntityManager, { message, unlock }: Claimable): Promise<Claim> {
  message.status = 'cancelled'
  message.finalAt = message.dbNow
  await resolveAboutUnwanted(tx, message)
  // Details that were lost before are nobody's concern any more unless somebody is called.
  if (message.purpose === 'reveal' && unlock !== null) await callAboutLostDetails(tx, unlock)
  return { type: 'settled', status: 'cancelled' }
}

async function claimToLookUp(tx: EntityManager, claimable: Claimable): Promise<Claim> {
  const { message, unlock } = claimable
  const now = message.dbNow
  if (message.leaseUntil != null && message.leaseUntil > now) return busyUntil(message.leaseUntil, now)
  message.status = 'unknown'
  countClaim(message)
  const lease = after(now, LOOK_UP_LEASE_MS)
  message.leaseUntil = lease
  await leaveToJob(tx, claimable, lease)
  return { type: 'look_up', message, unlock, since: message.claimedAt ?? message.createdAt, lease }
}

/** Has a message wait for an hour at which it may be sent. The wake-ups so far brought nothing forward, and nothing is wrong. */
function putOff(message: OutboundMessage, until: Date): Claim {
  message.status = 'pending'
  message.notBefore = until
  message.attempts = 0
  message.finalAt = null
  message.nextAttemptAt = after(until, GRACE_MS)
  return busyUntil(until, message.dbNow)
}

/** True when nothing is left to be sent, and nobody may ask for it again. */
export function isSettled(status: OutboundMessage['status']): boolean {
  return ['accepted', 'delivered', 'undelivered', 'cancelled'].includes(status)
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

function busyUntil(until: Date, now: Date): Claim {
  return { type: 'busy', retryInMs: Math.max(50, until.getTime() - now.getTime()) }
}
