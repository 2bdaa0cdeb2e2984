import type { EntityDictionary } from '@mikro-orm/core'
import type { Due } from '../../domain/due.ts'
import { DETAILS_SENT_STATUSES, isIn, type UnlockStatus } from '../../domain/states.ts'
import { type Decision, next, type UnlockEvent, type UnlockFacts } from '../../domain/transition.ts'
import { GRACE_MS } from '../due/parking.ts'
import { OutboundMessage, Unlock } from '../entities/index.ts'
import { isContactErased } from '../leads/leads.ts'
import { isPaymentKept } from '../payments/payments.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { type EffectContext, recordEffects } from './effects.ts'
import { noteOnTimeline } from './timeline.ts'

/** A reveal in these states is at the gateway with its outcome not recorded; while PAID, an accepted one is an earlier one. */
const MAY_HAVE_ARRIVED = ['sending', 'unknown'] as const

const MAY_BE_ERASED = ['REVEAL_DETAILS_SENT', 'DONE', 'EXPIRED', 'OPTED_OUT'] as const satisfies readonly UnlockStatus[]

export type Applied = { unlock: Unlock; decision: Decision; due: Due[] }

/** Locks an unlock's row until the transaction ends. */
export function lockUnlock(tx: EntityManager, unlockId: number): Promise<Unlock | null> {
  return lockUnlockBy(tx, '?', [unlockId])
}

/** The same. @param id SQL that answers an id or null */
export async function lockUnlockBy(tx: EntityManager, id: string, values: unknown[]): Promise<Unlock | null> {
  const [row] = await tx.execute<EntityDictionary<Unlock>[]>(
    `select *, app_now() as db_now from lead_unlocks where id = ${id} for update`,
    values,
  )
  return row === undefined ? null : tx.map(Unlock, row)
}

/**
 * The one way an unlock changes: lock its row, decide (domain/transition.ts), write the row, its timeline and every
 * effect, all in the caller's transaction. Publish what comes back as due after the commit.
 *
 * @param tx an open transaction
 * @param cause what happened, for the timeline: `reply`, `ttl`, `stripe: paid`
 * @throws {Error} when the unlock does not exist: callers look ids up first
 */
export async function applyEvent(
  tx: EntityManager,
  unlockId: number,
  event: UnlockEvent,
  cause: string,
  context: EffectContext = {},
): Promise<Applied> {
  // The row is read again under its lock: what is not written yet would be lost.
  await tx.flush()
  const unlock = await lockUnlock(tx, unlockId)
  if (unlock === null) throw new Error(`unlock ${unlockId} does not exist`)
  return applyToLocked(tx, unlock, event, cause, context)
}

/** The same for an unlock that the transaction has locked and read under its lock. */
export async function applyToLocked(
  tx: EntityManager,
  unlock: Unlock,
  event: UnlockEvent,
  cause: string,
  context: EffectContext = {},
): Promise<Applied> {
  const facts = await factsOf(tx, unlock, event)
  const decision = next(facts, event)
  for (const status of decision.path) {
    await noteOnTimeline(tx, unlock, status, cause)
    unlock.status = status
    unlock.closedReason = status === 'EXPIRED' ? decision.closedReason : null
  }
  if (decision.path.length > 0) {
    unlock.updatedAt = unlock.dbNow
    unlock.attempts = 0
    unlock.nextAttemptAt = after(unlock.dbNow, GRACE_MS)
    stampStatus(unlock)
  }
  const due = await recordEffects(tx, unlock, decision.effects, context)
  await tx.flush()
  return { unlock, decision, due }
}

/** What `next` needs to know to decide about this event, read under the row lock. */
async function factsOf(tx: EntityManager, unlock: Unlock, event: UnlockEvent): Promise<UnlockFacts> {
  // Only a STOP asks what a reveal under way has come to.
  const revealAttempted =
    event.type === 'stop' &&
    unlock.status === 'PAID' &&
    (await tx.count(OutboundMessage, {
      unlockId: unlock.id,
      purpose: 'reveal',
      status: { $in: [...MAY_HAVE_ARRIVED] },
    })) > 0
  return {
    status: unlock.status,
    closedReason: unlock.closedReason ?? null,
    ttlPassed: unlock.ttlExpiresAt <= unlock.dbNow,
    teaserAttempted: unlock.teaserSentAt != null,
    revealAttempted,
    revealResends: unlock.revealResends,
    // Only who asks for the details once more is told.
    moneyBack:
      event.type === 'reply_yes' && isIn(DETAILS_SENT_STATUSES, unlock.status) && !(await isPaymentKept(tx, unlock.id)),
    // Only closed leads are erased, under the locks of all their unlocks.
    contactErased: isIn(MAY_BE_ERASED, unlock.status) && (await isContactErased(tx, unlock.leadId)),
  }
}

function stampStatus(unlock: Unlock): void {
  if (unlock.status === 'PAID') unlock.paidAt = unlock.dbNow
  if (unlock.status === 'REVEAL_DETAILS_SENT') unlock.unlockedAt = unlock.dbNow
}
