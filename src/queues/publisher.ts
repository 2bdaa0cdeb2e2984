import { once } from 'node:events'
import { type JobsOptions, Queue } from 'bullmq'
import type { Due } from '../domain/due.ts'
import { together } from '../together.ts'
import { DEFAULT_PREFIX, type RedisConnection } from './connection.ts'
import { type JobContract, type JobName, jobNames, jobs, parsePayload } from './contract.ts'

export type PublishOptions = {
  /** Milliseconds until the job may run. */
  delayMs?: number
  /** Skip when a live job for the same work exists. For the sweep only: a direct wake-up must never be swallowed. */
  onlyIfIdle?: boolean
  /** The request that causes it; a function where each has its own. */
  requestId?: string | ((due: Due) => string) | undefined
}

/** The request that a piece of work is published under. */
export function requestIdOf(due: Due, { requestId }: PublishOptions): string | undefined {
  return typeof requestId === 'function' ? requestId(due) : requestId
}

/** Redis cannot be reached right now. */
export class RedisAwayError extends Error {
  readonly code = 'redis_away'
}

/** How long the first connection of a starting process is waited for, milliseconds. */
const FIRST_CONNECTION_MS = 2_000

const PROBE_LIVES_MS = 1_000

/** False when Redis is away, silent for longer than a command may take, or refuses: the connection's listeners are told why. */
async function isDone(command: Promise<unknown>): Promise<boolean> {
  try {
    await command
    return true
  } catch {
    return false
  }
}

type BulkJob = { name: string; data: object; opts: JobsOptions }

/** BullMQ waits for a connection as long as it takes; a producer must not. */
async function requireReady(connection: RedisConnection): Promise<void> {
  if (connection.status === 'connecting' || connection.status === 'connect') {
    const ready = once(connection, 'ready', { signal: AbortSignal.timeout(FIRST_CONNECTION_MS) })
    await ready.catch(() => {
      throw new RedisAwayError('Redis does not answer')
    })
  }
  if (connection.status !== 'ready') throw new RedisAwayError('Redis is away')
}

export type Publisher = {
  /** The queues by job name, for Bull Board and metrics. */
  queues: Map<JobName, Queue>
  /**
   * Publishes wake-ups. Postgres already knows what is due, so a failure is reported and not thrown: the sweep repeats it.
   *
   * @returns how many were published
   */
  publish(due: readonly Due[], options?: PublishOptions): Promise<number>
  /** Whether Redis answers at this moment. */
  isReachable(): Promise<boolean>
  /** Whether it also takes what is published: one that is full, cannot save, or has become a replica only answers reads. */
  takesWrites(): Promise<boolean>
  close(): Promise<void>
}

/**
 * @param connection a producer connection, not closed here
 * @param onError told of each wake-up that could not be published, and of the request that caused it
 */
export function createPublisher(
  connection: RedisConnection,
  onError: (error: unknown, job: JobName, requestId?: string) => void,
  prefix: string = DEFAULT_PREFIX,
): Publisher {
  // PING would go to any node of a cluster; this goes where the jobs are.
  const probe = `${prefix}:reachable`
  const queues = new Map<JobName, Queue>()
  const adders = new Map<JobName, (job: BulkJob) => Promise<void>>()
  for (const name of jobNames) {
    const { attempts, failedKept }: JobContract = jobs[name]
    const queue = new Queue(name, {
      connection,
      prefix,
      skipVersionCheck: true,
      defaultJobOptions: {
        attempts,
        backoff: { type: 'custom' },
        removeOnComplete: { age: 3600, count: 1000 },
        removeOnFail: failedKept === undefined ? false : { count: failedKept },
      },
    })
    // Those of the connection, once for every queue; whoever made it is told. A wake-up that is lost is reported by `add`.
    queue.on('error', () => undefined)
    queues.set(name, queue)
    adders.set(
      name,
      together(async (batch) => (await queue.addBulk([...batch])).map(() => undefined), {
        lanes: 2,
        most: 100,
        slowMs: 1_000,
      }),
    )
  }

  const add = async (due: Due, options: PublishOptions): Promise<boolean> => {
    const { job, ...ids } = due
    const requestId = requestIdOf(due, options)
    try {
      const payload = parsePayload(job, requestId === undefined ? ids : { ...ids, request_id: requestId })
      await requireReady(connection)
      const subject = Object.values(ids).join('-')
      const opts = {
        ...(options.delayMs === undefined ? {} : { delay: Math.max(0, Math.round(options.delayMs)) }),
        ...(options.onlyIfIdle ? { deduplication: { id: `${job}-${subject}` } } : {}),
      }
      await adders.get(job)?.({ name: job, data: payload, opts })
      return true
    } catch (error) {
      onError(error, job, requestId)
      return false
    }
  }

  return {
    queues,
    async publish(due, options = {}) {
      const results = await Promise.all(due.map((entry) => add(entry, options)))
      return results.filter(Boolean).length
    },
    isReachable: () => isDone(connection.exists(probe)),
    takesWrites: () => isDone(connection.set(probe, '', 'PX', PROBE_LIVES_MS)),
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()))
    },
  }
}
