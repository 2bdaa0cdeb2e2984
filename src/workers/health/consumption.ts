import { setTimeout as delay } from 'node:timers/promises'
import type { Job, Queue } from 'bullmq'
import { type JobName, jobs } from '../../queues/contract.ts'
import { type Publisher, RedisAwayError } from '../../queues/publisher.ts'

/** A queue whose jobs wait though this worker should take them. */
export type StuckQueue = {
  queue: JobName
  waiting: number
  /** How long its oldest job has waited at least, and how long ago this worker touched a job of it, seconds. */
  oldestSeconds: number
  untouchedSeconds: number
}

export type Consumption = {
  /** An attempt of a job of this queue began or ended here. */
  touched(queue: JobName): void
  /**
   * The queues that are stuck: this worker has touched none of their jobs for as long as it may, and their oldest job has
   * waited that long. A queue with nothing to do is not stuck, nor is one that somebody paused, nor one whose jobs others
   * take.
   *
   * @throws {RedisAwayError} when nobody can tell
   */
  stuckQueues(): Promise<StuckQueue[]>
}

export type ConsumptionOptions = {
  publisher: Pick<Publisher, 'queues' | 'isReachable'>
  queues: readonly JobName[]
  /** How long a worker may leave jobs alone that wait, milliseconds. */
  limitMs: number
  /** A suspicion is looked at again after this long: a job that was about to be taken is gone by then. */
  secondLookMs?: number
  clock?: Clock
}

/** Milliseconds: of a clock that only goes forward, and of the one that jobs are stamped with. */
type Clock = { elapsed(): number; now(): number }

const SYSTEM_CLOCK: Clock = { elapsed: () => performance.now(), now: () => Date.now() }

const SECOND_LOOK_MS = 1_000

type Suspicion = { queue: JobName; jobId: string | undefined; waitedMs: number }

export function createConsumption(options: ConsumptionOptions): Consumption {
  const { publisher, queues, limitMs, secondLookMs = SECOND_LOOK_MS, clock = SYSTEM_CLOCK } = options
  const touchedAt = new Map(queues.map((queue) => [queue, clock.elapsed()]))
  const untouchedMs = (queue: JobName) => clock.elapsed() - (touchedAt.get(queue) ?? 0)

  const suspicions = async (): Promise<Suspicion[]> => {
    if (!(await publisher.isReachable())) throw new RedisAwayError('Redis is away')
    const looked = await Promise.all(
      queues.map(async (queue) => {
        const bullQueue = publisher.queues.get(queue)
        if (bullQueue === undefined || untouchedMs(queue) < limitMs) return []
        const oldest = await oldestWaiting(bullQueue)
        if (oldest === undefined) return []
        const waitedMs = clock.now() - waitingSince(oldest, jobs[queue].backoff.maxMs)
        return waitedMs < limitMs || (await bullQueue.isPaused()) ? [] : [{ queue, jobId: oldest.id, waitedMs }]
      }),
    )
    return looked.flat()
  }

  return {
    touched: (queue) => void touchedAt.set(queue, clock.elapsed()),
    async stuckQueues() {
      const first = await suspicions()
      if (first.length === 0) return []
      await delay(secondLookMs)
      const second = await suspicions()
      const stuck = second.filter(({ queue, jobId }) =>
        first.some((before) => before.queue === queue && before.jobId === jobId),
      )
      return Promise.all(
        stuck.map(async ({ queue, waitedMs }) => ({
          queue,
          waiting: (await publisher.queues.get(queue)?.getJobCountByTypes('waiting', 'prioritized')) ?? 0,
          oldestSeconds: Math.round(waitedMs / 1000),
          untouchedSeconds: Math.round(untouchedMs(queue) / 1000),
        })),
      )
    },
  }
}

async function oldestWaiting(queue: Queue): Promise<Job | undefined> {
  const [oldest] = await queue.getJobs(['waiting', 'prioritized'], 0, 0, true)
  return oldest
}

/**
 * The latest moment from which a job can have been waiting, by the clock of whoever enqueued it. When a repetition was due is
 * not kept: it was put off by its backoff at most.
 */
function waitingSince({ attemptsStarted, timestamp, processedOn, opts }: Job, longestBackoffMs: number): number {
  return attemptsStarted === 0 ? timestamp + (opts.delay ?? 0) : (processedOn ?? timestamp) + longestBackoffMs
}
