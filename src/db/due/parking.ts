import { type Purpose, UNSENT_STATUSES } from '../../domain/outbound.ts'
import type { Unlock } from '../entities/index.ts'
import { after } from '../postgres/clock.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** The `next_attempt_at` that a row gets which waits for a person: the sweep leaves it alone. */
export const PARKED_UNTIL = new Date('9999-01-01T00:00:00Z')

/**
 * What a `next_attempt_at` is compared with: past this its row waits for a person. A year less, because an earlier version
 * parked webhooks until midnight in the time zone of the server.
 */
export const PARKED_AFTER = new Date('9998-01-01T00:00:00Z')

export function isParked({ nextAttemptAt }: { nextAttemptAt: Date }): boolean {
  return nextAttemptAt > PARKED_AFTER
}

/** Milliseconds a row with a fresh wake-up is left to its job before the sweep looks at it. */
export const GRACE_MS = 10_000

/**
 * Somebody asked again for what an unlock waits for a person with: from here on the sweep looks after it, whatever becomes of
 * the job that is published.
 *
 * @param unlock locked
 * @param purpose of the texts that were asked for
 */
export async function unpark(tx: EntityManager, unlock: Unlock, purpose: Purpose): Promise<void> {
  const from = after(unlock.dbNow, GRACE_MS)
  unlock.attempts = 0
  unlock.nextAttemptAt = from
  await tx.execute(
    `update outbound_messages set attempts = 0, next_attempt_at = ?
     where unlock_id = ? and purpose = ? and status in ${oneOf(UNSENT_STATUSES)} and next_attempt_at > ?`,
    [from, unlock.id, purpose, PARKED_AFTER],
  )
}
