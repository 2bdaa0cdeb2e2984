import { LockMode } from '@mikro-orm/core'
import { Payment } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { lockUnlock } from '../unlocks/apply-event.ts'
import { noteOnTimeline } from '../unlocks/timeline.ts'

/** Writes on the unlock's timeline what happened to its money without moving it. */
export async function noteMoney(tx: EntityManager, unlockId: number, cause: string): Promise<void> {
  const unlock = await lockUnlock(tx, unlockId)
  if (unlock !== null) await noteOnTimeline(tx, unlock, unlock.status, cause)
}

/**
 * Locks a payment, and its unlock before it.
 *
 * @param by a column that tells it from others
 * @returns null when we know of no such payment (yet)
 */
export async function lockPayment(
  tx: EntityManager,
  by: 'id' | 'payment_intent_id',
  value: number | string,
): Promise<Payment | null> {
  const [row] = await tx.execute<{ id: number; unlock_id: number | null }[]>(
    `select id, unlock_id from payments where ${by} = ?`,
    [value],
  )
  if (row === undefined) return null
  if (row.unlock_id !== null) await lockUnlock(tx, row.unlock_id)
  return tx.findOneOrFail(Payment, { id: row.id }, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true })
}
