import type { QueueJobJson } from '@bull-board/api/typings/app'
import { type JobName, jobs } from '../../queues/contract.ts'

/** What an id may look like: of a job, a row, a request, a provider. */
const ID = /^[\w:.@-]{1,128}$/
/** What an error code looks like: workers store nothing else as the reason of a failure. */
const CODE = /^[A-Za-z][\w.-]{0,63}$/
const HIDDEN = '[hidden]'

/** The options that steer a job. */
const SHOWN_OPTIONS = ['attempts', 'delay', 'priority', 'jobId', 'removeOnComplete', 'removeOnFail'] as const

/**
 * A job as the board shows it: ids, times, counts and an error code. A job carries nothing else, but whoever puts
 * something else into Redis, or a later version, must not have it shown here: fields that are not named are left out.
 */
export function shownJob(job: QueueJobJson, queue: JobName): QueueJobJson {
  const reason = job.failedReason ? codeIn(job.failedReason) : job.failedReason
  return {
    id: job.id,
    name: queue,
    data: idsIn(job.data, queue),
    opts: Object.fromEntries(SHOWN_OPTIONS.flatMap((name) => (name in job.opts ? [[name, job.opts[name]]] : []))),
    progress: typeof job.progress === 'number' ? job.progress : 0,
    attemptsMade: job.attemptsMade,
    timestamp: job.timestamp,
    failedReason: reason,
    stacktrace: reason ? [reason] : [],
    returnvalue: null,
    ...present('processedOn', job.processedOn),
    ...present('finishedOn', job.finishedOn),
    ...present('delay', job.delay),
    ...present('priority', job.priority),
    ...present('attemptsStarted', job.attemptsStarted),
    ...present('stalledCounter', job.stalledCounter),
  }
}

/** @returns the fields that the contract gives the job, with the values that look like ids */
export function idsIn(data: unknown, queue: JobName): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return {}
  const known = jobs[queue].payload.properties
  return Object.fromEntries(
    Object.entries(data)
      .filter(([name]) => name in known)
      .map(([name, value]) => [name, typeof value === 'number' || ID.test(String(value)) ? value : HIDDEN]),
  )
}

function codeIn(reason: string): string {
  return CODE.test(reason) ? reason : HIDDEN
}

function present<K extends string, V>(name: K, value: V | null | undefined): { [name in K]?: V } {
  return value == null ? {} : ({ [name]: value } as { [name in K]?: V })
}
