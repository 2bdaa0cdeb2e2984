import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { JobName } from '../queues/contract.ts'
import type { Publisher } from '../queues/publisher.ts'
import { loggingCalls } from './call-log.ts'
import type { WorkerServices } from './deps.ts'
import { codeOf } from './errors.ts'
import { backfillOnce } from './jobs/backfill.ts'
import { eraseOnce } from './jobs/erase-contacts.ts'
import { sweepOnce } from './jobs/sweep.ts'

/** How long a stop waits for a run under way, milliseconds: it may be asking a gateway that does not answer. */
const STOP_WAIT_MS = 5_000

const HOUR_MS = 3_600_000

export type ScheduleOptions = { sweepSeconds: number; backfillMinutes: number }

/** Work that comes again by itself, under the name of its job. */
type Recurring = {
  job: JobName
  everyMs(options: ScheduleOptions): number
  run(services: WorkerServices, requestId: string): Promise<unknown>
}

const RECURRING: readonly Recurring[] = [
  { job: 'sweep', everyMs: ({ sweepSeconds }) => sweepSeconds * 1000, run: sweepOnce },
  { job: 'backfill', everyMs: ({ backfillMinutes }) => backfillMinutes * 60_000, run: backfillOnce },
  { job: 'erase-contacts', everyMs: () => HOUR_MS, run: eraseOnce },
]

/** Registers the recurring jobs, once for all processes: the ids make it an update of the same schedule. */
export async function registerSchedules(publisher: Publisher, options: ScheduleOptions): Promise<void> {
  for (const { job, everyMs } of RECURRING) {
    await publisher.queues.get(job)?.upsertJobScheduler(job, { every: everyMs(options) })
  }
}

/**
 * Runs the recurring work by a plain timer in this process too, so that it survives the loss of its schedule in Redis;
 * each kind once right away.
 *
 * @returns stops the timers and waits for a run that is under way
 */
export function startTimers(services: WorkerServices, options: ScheduleOptions): () => Promise<void> {
  const timers = RECURRING.map(({ job, everyMs, run }) => repeat(services, job, everyMs(options), run))
  return async () => {
    await Promise.all(timers.map((stop) => stop()))
  }
}

function repeat(
  services: WorkerServices,
  operation: JobName,
  everyMs: number,
  run: Recurring['run'],
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
