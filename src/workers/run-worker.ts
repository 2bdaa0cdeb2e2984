import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq'
import { backoffMs } from '../domain/backoff.ts'
import { DEFAULT_PREFIX, type RedisConnection } from '../queues/connection.ts'
import { type JobName, jobs, parsePayload } from '../queues/contract.ts'
import { makeAttempt, type Outcome } from './attempt.ts'
import type { WorkerServices } from './deps.ts'
import { codeOf } from './errors.ts'
import type { JobHandler } from './job.ts'

/** A job whose worker died is taken over; so often that no series of crashes makes BullMQ give it up. */
const MAX_STALLED_COUNT = 100

export type RunOptions = {
  connection: RedisConnection
  prefix?: string
  /** Jobs side by side; the contract's number when absent. */
  concurrency?: number
  /** Told when an attempt begins (1) and when it has ended (-1). */
  onAttempt?: (change: 1 | -1) => void
}

/** The one place where a BullMQ worker is made: payload check, fork, logging, retry by error class, failure handling. */
export function runWorker<N extends JobName>(
  services: WorkerServices,
  handler: JobHandler<N>,
  options: RunOptions,
): Worker {
  const contract = jobs[handler.name]
  const { onAttempt = () => undefined } = options
  const attempt = async (job: Job, token: string | undefined) => {
    onAttempt(1)
    const outcome = await attemptOnce(services, handler, job).finally(() => onAttempt(-1))
    await settle(outcome, job, token)
  }
  const worker = new Worker(handler.name, attempt, {
    connection: options.connection,
    prefix: options.prefix ?? DEFAULT_PREFIX,
    concurrency: options.concurrency ?? contract.concurrency,
    skipVersionCheck: true,
    maxStalledCount: MAX_STALLED_COUNT,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, contract.backoff) },
  })
  const log = services.log.child({ job: handler.name })
  worker.on('error', (error) => log.warn({ err: error, error_code: codeOf(error) }, 'worker connection trouble'))
  worker.on('stalled', async (jobId) => {
    services.metrics.jobs.stalled(handler.name)
    const request_id = await requestOf(services, handler.name, jobId)
    log.warn({ request_id, job_id: jobId }, 'job stalled: its worker died or was blocked')
  })
  return worker
}

/** The request a job was caused by; unknown while Redis cannot be asked, and for a job that is gone. */
async function requestOf(services: WorkerServices, name: JobName, jobId: string): Promise<string | undefined> {
  try {
    const job = await services.publisher.queues.get(name)?.getJob(jobId)
    return job === undefined ? undefined : parsePayload(name, job.data).request_id
  } catch (error) {
    services.log.debug({ job: name, job_id: jobId, error_code: codeOf(error) }, 'a stalled job could not be read')
    return undefined
  }
}

async function attemptOnce<N extends JobName>(
  services: WorkerServices,
  handler: JobHandler<N>,
  job: Job,
): Promise<Outcome> {
  const attempt = { id: job.id, data: job.data, number: job.attemptsMade + 1, of: job.opts.attempts ?? 1 }
  return await measured(services, handler.name, job, () => makeAttempt(services, handler, attempt))
}

/** Tells BullMQ. What is thrown is stored in Redis and shown in Bull Board: a code, never an error of ours with its content. */
async function settle(outcome: Outcome, job: Job, token: string | undefined): Promise<void> {
  switch (outcome.type) {
    case 'done':
      return
    case 'later':
      await job.moveToDelayed(Date.now() + outcome.delayMs, token)
      throw new DelayedError()
    case 'failed':
      throw new Error(outcome.code)
    case 'given_up':
      throw new UnrecoverableError(outcome.code)
  }
}

/** Measures one attempt; one that breaks the contract, so that nobody can say how it ended, has failed. */
async function measured(
  { metrics }: WorkerServices,
  queue: JobName,
  job: Job,
  attempt: () => Promise<Outcome>,
): Promise<Outcome> {
  const waited = waitOf(job)
  if (waited !== null) metrics.jobs.waited(queue, waited)
  const started = performance.now()
  let ended: Outcome['type'] = 'failed'
  try {
    const outcome = await attempt()
    ended = outcome.type
    return outcome
  } finally {
    metrics.jobs.ended(queue, ended, (performance.now() - started) / 1000)
  }
}

/**
 * Seconds from when a job could have run to when it did, by the clocks of whoever enqueued it and of this process. Null for
 * a repetition: BullMQ does not tell when that was due.
 */
function waitOf({ attemptsStarted, processedOn, timestamp, opts }: Job): number | null {
  if (attemptsStarted !== 1 || processedOn === undefined) return null
  return Math.max(0, processedOn - timestamp - (opts.delay ?? 0)) / 1000
}
