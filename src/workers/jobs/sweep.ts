import { claimDue } from '../../db/due.ts'
import { inTransaction } from '../../db/orm.ts'
import type { WorkerServices } from '../deps.ts'
import { defineJob } from '../job.ts'

/** Rows of one kind that a run wakes up at most. */
const BATCH = 200

/**
 * Finds in Postgres what is due and has no live job, and wakes it up. What Redis lost comes back here.
 *
 * @returns how many wake-ups were published
 */
export async function sweepOnce(services: WorkerServices): Promise<number> {
  // What is claimed here is put off for minutes: with nobody to wake it up, an outage of Redis would outlast itself.
  if (!(await services.publisher.isReachable())) return 0
  const due = await inTransaction(services.db.em, (tx) => claimDue(tx, BATCH))
  if (due === null || due.length === 0) return 0
  services.log.info({ count: due.length }, 'sweep found work without a job')
  return services.publisher.publish(due, { onlyIfIdle: true })
}

export const sweep = defineJob({
  name: 'sweep',

  async run(deps) {
    await sweepOnce(deps)
  },

  async onFailed(deps, _payload, code) {
    deps.log.error({ error_code: code }, 'sweep failed; the next one is due soon')
  },
})
