import { BACKFILL_SOURCES, type BackfillSource } from '../../metrics/recurring.ts'
import { undeliveredEvents } from '../backfill/events.ts'
import { missedReplies } from '../backfill/replies.ts'
import { paidSessions } from '../backfill/sessions.ts'
import type { WorkerServices } from '../deps.ts'
import { codeOf } from '../errors.ts'
import { defineJob } from '../job.ts'

/**
 * Asks both gateways for what they told nobody while we were down, and puts it through the same inbox as their webhooks.
 * What one gateway does not answer does not keep the others from being asked.
 *
 * @param requestId the id of this run, kept with what it finds in place of the request that never came
 * @returns how many messages were new
 * @throws the first error, once every source was tried
 */
export async function backfillOnce(services: WorkerServices, requestId: string): Promise<number> {
  const { recurring } = services.metrics
  const results = await Promise.allSettled(
    BACKFILL_SOURCES.map(async (source) => {
      try {
        const count = await SOURCES[source](services, requestId)
        recurring.found(source, count)
        return count
      } catch (error) {
        // Each is told: only the first of them is thrown.
        services.log.warn({ request_id: requestId, source, error_code: codeOf(error) }, 'backfill of one source failed')
        throw error
      }
    }),
  )
  const found = results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0)
  if (found > 0) {
    services.log.info({ request_id: requestId, count: found }, 'backfill found what the webhooks had not brought')
  }
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  recurring.finished('backfill')
  return found
}

const SOURCES: Record<BackfillSource, (services: WorkerServices, requestId: string) => Promise<number>> = {
  replies: missedReplies,
  events: undeliveredEvents,
  sessions: paidSessions,
}

export const backfill = defineJob({
  name: 'backfill',

  async run(deps) {
    await backfillOnce(deps, deps.requestId)
  },

  async onFailed(deps, _payload, code) {
    deps.log.error({ error_code: code }, 'backfill failed; the next one is due soon')
  },
})
