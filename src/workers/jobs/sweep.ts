import { claimDue, type WakeUp } from '../../db/due/due.ts'
import { inTransaction } from '../../db/postgres/orm.ts'
import type { WorkerServices } from '../deps.ts'
import { defineJob } from '../job.ts'

/** Rows of one kind that a run wakes up at most. */
const BATCH = 200

/**
 * Finds in Postgres what is due and has no live job, and wakes it up, under the id of the request it came with. What Redis
 * lost comes back here.
 *
 * @param ownId the id of this run, for work whose row does not tell its request
 * @returns how many wake-ups were published
 */
export async function sweepOnce(services: WorkerServices, ownId: string): Promise<number> {
  // What is claimed here is put off for minutes: with nobody to wake it up, an outage of Redis would outlast itself.
  if (!(await services.publisher.takesWrites())) return 0
  const wakeUps = await inTransaction(services.db.em, (tx) => claimDue(tx, BATCH))
  // Another process is at it.
  if (wakeUps === null) return 0
  const published = await wakeUp(services, wakeUps, ownId)
  services.metrics.recurring.finished('sweep')
  return published
}

async function wakeUp(services: WorkerServices, wakeUps: readonly WakeUp[], ownId: string): Promise<number> {
  if (wakeUps.length === 0) return 0
  services.log.info({ request_id: ownId, count: wakeUps.length }, 'sweep found work without a job')
  for (const { due } of wakeUps) services.metrics.recurring.wokeUp(due.job)
  const requestIds = new Map(wakeUps.map(({ due, requestId }) => [due, requestId]))
  return services.publisher.publish([...requestIds.keys()], {
    onlyIfIdle: true,
    requestId: (due) => requestIds.get(due) ?? ownId,
  })
}

export const sweep = defineJob({
  name: 'sweep',

  async run(deps) {
    await sweepOnce(deps, deps.requestId)
  },

  async onFailed(deps, _payload, code) {
    deps.log.error({ error_code: code }, 'sweep failed; the next one is due soon')
  },
})
