import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { backoffMs } from '../domain/backoff.ts'
import { DEFAULT_PREFIX } from '../queues/connection.ts'
import { type JobName, jobs, parsePayload } from '../queues/contract.ts'
import type { JobDeps, WorkerServices } from './deps.ts'
import { codeOf, isFinal, isLockConflict, RetryLater } from './errors.ts'
import type { JobHandler } from './job.ts'

/** Wait after two transactions got in each other's way, milliseconds. */
const LOCK_CONFLICT_DELAY_MS = 200
/** A job whose worker died is taken over; so often that no series of crashes makes BullMQ give it up. */
const MAX_STALLED_COUNT = 100

export type RunOptions = {
  connection: Redis
  prefix?: string
  /** Jobs side by side; the contract's number when absent. */
  concurrency?: number
}

/** The one place where a BullMQ worker is made: payload check, fork, logging, retry by error class, failure handling. */
export function runWorker<N extends JobName>(
  services: WorkerServices,
  handler: JobHandler<N>,
  options: RunOptions,
): Worker {
  const contract = jobs[handler.name]
  const worker = new Worker(handler.name, (job, token) => runAttempt(services, handler, job, token), {
    connection: options.connection,
    prefix: options.prefix ?? DEFAULT_PREFIX,
    concurrency: options.concurrency ?? contract.concurrency,
    skipVersionCheck: true,
    maxStalledCount: MAX_STALLED_COUNT,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, contract.backoff) },
  })
  const log = services.log.child({ job: handler.name })
  worker.on('error', (error) => log.warn({ error_code: codeOf(error) }, 'worker connection trouble'))
  worker.on('stalled', (jobId) => log.warn({ job_id: jobId }, 'job stalled: its worker died or was blocked'))
  return worker
}

async function runAttempt<N extends JobName>(
  services: WorkerServices,
  handler: JobHandler<N>,
  job: Job,
  token: string | undefined,
): Promise<void> {
  const payload = parsePayload(handler.name, job.data)
  const deps = depsFor(services, handler.name, job, payload.request_id)
  const started = performance.now()
  try {
    await handler.run(deps, payload)
    deps.log.debug({ ms: Math.round(performance.now() - started) }, 'job done')
  } catch (error) {
    if (error instanceof RetryLater) return comeBack(job, token, error.delayMs)
    if (isLockConflict(error)) return comeBack(job, token, LOCK_CONFLICT_DELAY_MS)
    const code = codeOf(error)
    const lastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
    deps.log.warn(
      { err: error, error_code: code, attempt: job.attemptsMade + 1, last: lastAttempt },
      'job attempt failed',
    )
    if (lastAttempt || isFinal(error)) await reportFailure(deps, handler, payload, code)
    // What is thrown is stored in Redis and shown in Bull Board: a code, never an error of ours with its content.
    throw isFinal(error) ? new UnrecoverableError(code) : new Error(code)
  }
}

/** Builds what one attempt gets. */
function depsFor(services: WorkerServices, name: JobName, job: Job, requestId: string | undefined): JobDeps {
  const log = services.log.child({ job: name, job_id: job.id, request_id: requestId })
  return {
    ...services,
    log,
    em: services.db.em.fork(),
    requestId,
    effects: { revealConfirmMinutes: services.settings.revealConfirmMinutes },
    async publish(due, options) {
      await services.publisher.publish(due, { requestId, ...options })
    },
  }
}

async function comeBack(job: Job, token: string | undefined, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token)
  throw new DelayedError()
}

/** If even this fails, the row stays due in Postgres and the sweep brings the job back. */
async function reportFailure<N extends JobName>(
  deps: JobDeps,
  handler: JobHandler<N>,
  payload: ReturnType<typeof parsePayload<N>>,
  code: string,
): Promise<void> {
  try {
    await handler.onFailed({ ...deps, em: deps.db.em.fork() }, payload, code)
  } catch (error) {
    deps.log.error(
      { err: error, error_code: codeOf(error) },
      'failure could not be recorded; the sweep repeats the job',
    )
  }
}
