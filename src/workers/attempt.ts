import { randomUUID } from 'node:crypto'
import { isLockConflict } from '../db/postgres/sqlstates.ts'
import { type JobName, type Payload, parsePayload } from '../queues/contract.ts'
import { loggingCalls } from './call-log.ts'
import type { JobDeps, WorkerServices } from './deps.ts'
import { codeOf, isFinal, isStopping, NotYetError, RetryLater } from './errors.ts'
import type { JobHandler } from './job.ts'

/** Wait after two transactions got in each other's way, milliseconds. */
const LOCK_CONFLICT_DELAY_MS = 200

export type JobAttempt = {
  id: string | undefined
  data: unknown
  /** Which attempt this is, from 1. */
  number: number
  /** Attempts there are. */
  of: number
}

export type Outcome =
  | { type: 'done' }
  /**
   * Not due yet, in somebody's way, or for another worker because this one stops: it comes back after `delayMs` without
   * losing an attempt.
   */
  | { type: 'later'; delayMs: number }
  /** Another attempt may succeed. */
  | { type: 'failed'; code: string }
  /** No attempt is left, or none would help: a person was called, and the job waits for their retry. */
  | { type: 'given_up'; code: string }

/**
 * Makes one attempt of a job and decides by the class of what was thrown how it goes on.
 *
 * @throws {PayloadError} when the data is not the job's
 */
export async function makeAttempt<N extends JobName>(
  services: WorkerServices,
  handler: JobHandler<N>,
  attempt: JobAttempt,
): Promise<Outcome> {
  const payload = parsePayload(handler.name, attempt.data)
  const deps = depsFor(services, handler.name, attempt.id, payload)
  const started = performance.now()
  try {
    await loggingCalls(deps.log, () => handler.run(deps, payload))
    deps.log.debug({ ms: Math.round(performance.now() - started) }, 'job done')
    return { type: 'done' }
  } catch (error) {
    if (error instanceof RetryLater) return { type: 'later', delayMs: error.delayMs }
    if (isStopping(error)) return { type: 'later', delayMs: 0 }
    if (isLockConflict(error)) return { type: 'later', delayMs: LOCK_CONFLICT_DELAY_MS }
    const code = codeOf(error)
    const late = error instanceof NotYetError && attempt.number >= NotYetError.ATTEMPTS
    const last = late || attempt.number >= attempt.of
    deps.log.warn({ err: error, error_code: code, attempt: attempt.number, last }, 'job attempt failed')
    if (!last && !isFinal(error)) return { type: 'failed', code }
    await reportFailure(deps, handler, payload, code)
    // Nobody was called, and no retry is waited for: kept, those about other systems' messages would fill Redis.
    return error instanceof NotYetError ? { type: 'done' } : { type: 'given_up', code }
  }
}

/** Builds what one attempt gets. */
function depsFor(
  services: WorkerServices,
  name: JobName,
  jobId: string | undefined,
  payload: Payload<JobName>,
): JobDeps {
  const requestId = payload.request_id ?? `${name}:${jobId ?? randomUUID()}`
  return {
    ...services,
    log: services.log.child({ ...payload, request_id: requestId, job: name, job_id: jobId }),
    em: services.db.em.fork(),
    requestId,
    async publish(due, options) {
      await services.publisher.publish(due, { requestId, ...options })
    },
  }
}

/** If even this fails, the row stays due in Postgres and the sweep brings the job back. */
async function reportFailure<N extends JobName>(
  deps: JobDeps,
  handler: JobHandler<N>,
  payload: Payload<N>,
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
