import { Payment } from './entities/index.ts'
import type { EntityManager } from './orm.ts'

/** Whether the money for an unlock is with us, to stay. @param unlockId locked: its payments change under its lock */
export async function isPaymentKept(tx: EntityManager, unlockId: number): Promise<boolean> {
  return (await tx.count(Payment, { unlockId, status: 'kept' })) > 0
}
