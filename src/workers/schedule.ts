import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Publisher } from '../queues/publisher.ts'
import { loggingCalls } from './call-log.ts'
import type { WorkerServices } from './deps.ts'
import { codeOf } from './errors.ts'
import { backfillOnce } from './jobs/backfill.ts'
import { eraseOnce } from './jobs/erase-contacts.ts'
import { sweepOnce } from './jobs/sweep.ts'

/** How long a stop waits for a run under way, milliseconds: it may be asking a gateway that does not answer. */
const STOP_WAIT_MS = 5_000

const ERASE_EVERY_MS = 3_600_000

export type ScheduleOptions = { sweepSeconds: number; backfillMinutes: number }

/** Registers the recurring jobs, once for all processes: the ids make it an update of the same schedule. */
export async function registerSchedules(publisher: Publisher, options: ScheduleOptions): Promise<void> {
  await publisher.queues.get('sweep')?.upsertJobScheduler('sweep', { every: options.sweepSeconds * 1000 })
  await publisher.queues.get('backfill')?.upsertJobScheduler('backfill', { every: options.backfillMinutes * 60_000 })
  await publisher.queues.get('erase-contacts')?.upsertJobScheduler('erase-contacts', { every: ERASE_EVERY_MS })
}

/**
 * Runs the recurring work by a plain timer in this process too, so that it survives the loss of its schedule in Redis;
 * each kind once right away.
 *
 * @returns stops the timers and waits for a run that is under way
 */
export function startTimers(services: WorkerServices, options: ScheduleOptions): () => Promise<void> {
  const timers = [
    repeat(services, 'sweep', options.sweepSeconds * 1000, sweepOnce),
    repeat(services, 'backfill', options.backfillMinutes * 60_000, backfillOnce),
    repeat(services, 'erase-contacts', ERASE_EVERY_MS, eraseOnce),
  ]
  return async () => {
    await Promise.all(timers.map((stop) => stop()))
  }
}

function repeat(
  services: WorkerServices,
  operation: string,
  everyMs: number,
  run: (services: WorkerServices, requestId: string) => Promise<unknown>,
): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const once = async () => {
    const requestId = `${operation}:${randomUUID()}`
    const log = services.log.child({ operation, request_id: requestId })
    try {
      await loggingCalls(log, () => run({ ...services, log }, requestId))
    } catch (error) {
      log.warn({ err: error, error_code: codeOf(error) }, 'recurring work failed; it runs again')
    }
    if (!stopped) timer = setTimeout(start, everyMs)
  }
  let running = once()
  function start(): void {
    running = once()
  }
  return async () => {
    stopped = true
    clearTimeout(timer)
    await Promise.race([running, delay(STOP_WAIT_MS, undefined, { ref: false })])
  }
}
