import type { JobName } from './contract.ts'
import { type Publisher, RedisAwayError } from './publisher.ts'

/** Where a job can be that is not finished. */
export const QUEUE_STATES = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const
export type QueueState = (typeof QUEUE_STATES)[number]

export type QueueDepth = {
  queue: JobName
  jobs: Record<QueueState, number>
  /** Nobody takes its jobs, because a person wanted it so. */
  paused: boolean
}

/**
 * How many jobs each queue holds.
 *
 * @throws {RedisAwayError} at once, where BullMQ would wait for the connection
 */
export async function queueDepths(publisher: Pick<Publisher, 'queues' | 'isReachable'>): Promise<QueueDepth[]> {
  if (!(await publisher.isReachable())) throw new RedisAwayError('Redis is away')
  return Promise.all(
    [...publisher.queues].map(async ([queue, bullQueue]) => {
      const [counts, paused] = await Promise.all([bullQueue.getJobCounts(...QUEUE_STATES), bullQueue.isPaused()])
      const jobs = { waiting: 0, prioritized: 0, active: 0, delayed: 0, failed: 0 }
      for (const state of QUEUE_STATES) jobs[state] = counts[state] ?? 0
      return { queue, jobs, paused }
    }),
  )
}
