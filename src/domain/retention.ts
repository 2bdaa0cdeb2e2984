import type { ClosedReason, UnlockStatus } from './states.ts'
import { isIn, UNPAID_STATUSES } from './states.ts'

const DAY_MS = 86_400_000

export type UnlockAtRest = {
  status: UnlockStatus
  closedReason: ClosedReason | null
  /** Its reveal is with the gateway, and what became of it will be asked. */
  awaitsConfirmation: boolean
  updatedAt: Date
  ttlExpiresAt: Date
}

/** What must be known of a lead before its contact details are erased. */
export type ErasureFacts = {
  createdAt: Date
  unlocks: readonly UnlockAtRest[]
  /** Payment links not seen closed: somebody could still pay. */
  openLinks: number
  /** Reveals on their way to the gateway; one that waits for a person is not, unless it is stuck. */
  unsentReveals: number
  /** Payments, kept or held, for details that did not arrive, and a person has not decided yet. */
  undeliveredDetails: number
  /** Refunds on their way to the payer. */
  pendingRefunds: number
  /** What a person must look at, about any of the unlocks. */
  openEscalations: number
}

/** Why contact details cannot be erased now, in words for whoever asked for it. */
export type Obstacle = string

/**
 * Whether the details are still needed: nobody may pay for nothing, and who paid must get them. Nothing else keeps an admin
 * from erasing them.
 *
 * @returns null when they are not
 */
export function obstacleToErasure(facts: ErasureFacts): Obstacle | null {
  if (facts.unlocks.some(({ status }) => isIn(UNPAID_STATUSES, status))) {
    return 'it is still on offer: close its unlocks first (POST /api/unlocks/{id}/expire)'
  }
  if (facts.unlocks.some(({ status }) => status === 'PAID')) return 'its details are paid for and not sent yet'
  if (facts.unsentReveals > 0 || facts.unlocks.some((unlock) => isUnconfirmed(unlock))) {
    return 'its details are being sent: wait until they are delivered'
  }
  if (facts.undeliveredDetails > 0) {
    return 'its details are paid for and did not arrive: send them again, refund them or resolve the escalation first'
  }
  if (facts.openLinks > 0) return 'a payment link of it is still being closed'
  return null
}

/**
 * Whether the time for which details are kept is over: the lead is closed, nothing about it is unsettled, and its last
 * change is that long ago. One that was offered to nobody counts from its creation.
 *
 * @param days 0 keeps them for ever
 */
export function isRetentionOver(facts: ErasureFacts, now: Date, days: number): boolean {
  if (days === 0 || obstacleToErasure(facts) !== null) return false
  if (facts.pendingRefunds > 0 || facts.openEscalations > 0) return false
  const closedAt = Math.max(facts.createdAt.getTime(), ...facts.unlocks.map(closedSince))
  return closedAt <= now.getTime() - days * DAY_MS
}

function isUnconfirmed({ status, awaitsConfirmation }: UnlockAtRest): boolean {
  return status === 'REVEAL_DETAILS_SENT' && awaitsConfirmation
}

/** An offer that was declined can be taken up again for as long as it stands. */
function closedSince({ status, closedReason, updatedAt, ttlExpiresAt }: UnlockAtRest): number {
  const mayBeReopened = status === 'EXPIRED' && closedReason === 'declined'
  return Math.max(updatedAt.getTime(), mayBeReopened ? ttlExpiresAt.getTime() : 0)
}
