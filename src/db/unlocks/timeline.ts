import type { Unlock } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'

/**
 * Writes a line on an unlock's timeline.
 *
 * @param unlock locked, as it was before
 * @param toStatus what it becomes; the same when it does not move
 * @param cause what happened: `reply`, `ttl`, `stripe: paid`
 */
export async function noteOnTimeline(
  tx: EntityManager,
  unlock: Unlock,
  toStatus: Unlock['status'],
  cause: string,
): Promise<void> {
  await tx.execute('insert into unlock_events (unlock_id, from_status, to_status, cause, at) values (?, ?, ?, ?, ?)', [
    unlock.id,
    unlock.status,
    toStatus,
    cause,
    unlock.dbNow,
  ])
}
