import { openEscalation, resolveEscalations } from '../../db/escalations/escalations.ts'
import { applyToLocked, lockUnlock } from '../../db/unlocks/apply-event.ts'
import { isIn, UNPAID_STATUSES } from '../../domain/states.ts'
import { RetryLater } from '../errors.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Closes an unlock whose TTL has passed by the database's clock. A job that comes early, by whatever clock, comes back. */
export const expire = defineJob({
  name: 'expire',

  async run(deps, { unlock_id }) {
    await recordAndPublish(deps, async (tx) => {
      const unlock = await lockUnlock(tx, unlock_id)
      if (unlock === null) return []
      const { due } = await applyToLocked(tx, unlock, { type: 'ttl' }, 'ttl')
      if (isIn(UNPAID_STATUSES, unlock.status)) {
        throw new RetryLater(Math.max(1000, unlock.ttlExpiresAt.getTime() - unlock.dbNow.getTime()))
      }
      await resolveEscalations(tx, ['expire_failed'], `unlock:${unlock_id}`, 'closed')
      return due
    })
  },

  async onFailed(deps, { unlock_id }, code) {
    const summary = `Unlock ${unlock_id} could not be closed after its TTL (${code}).`
    const escalation = { kind: 'expire_failed', subject: `unlock:${unlock_id}`, unlockId: unlock_id, summary } as const
    await recordAndPublish(deps, async (tx) => {
      // Locked: a reply may end it in this moment, or another worker, and nobody is to be called then.
      const unlock = await lockUnlock(tx, unlock_id)
      return unlock !== null && isIn(UNPAID_STATUSES, unlock.status) ? openEscalation(tx, escalation) : []
    })
  },
})
