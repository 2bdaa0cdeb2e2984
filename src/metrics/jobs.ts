import { Counter, Histogram, type Registry } from 'prom-client'
import { type JobName, jobNames } from '../queues/contract.ts'
import { CALL_SECONDS, WAIT_SECONDS } from './buckets.ts'

/** How an attempt of a job ended (workers/attempt.ts); `stalled`: its worker died or was blocked, and another takes it. */
const JOB_OUTCOMES = ['done', 'later', 'failed', 'given_up', 'stalled'] as const
type JobOutcome = (typeof JOB_OUTCOMES)[number]

export type JobMetrics = {
  /** A job is attempted for the first time. @param seconds since it was enqueued or, delayed, since it was due */
  waited(queue: JobName, seconds: number): void
  ended(queue: JobName, outcome: Exclude<JobOutcome, 'stalled'>, seconds: number): void
  stalled(queue: JobName): void
}

export function createJobMetrics(registry: Registry): JobMetrics {
  const registers = [registry]
  const attempts = new Counter({
    name: 'lead_unlock_jobs_total',
    help: 'Attempts of jobs by queue and how they ended',
    labelNames: ['queue', 'outcome'],
    registers,
  })
  const wait = new Histogram({
    name: 'lead_unlock_job_wait_seconds',
    help: 'Time from when a job was enqueued or due to its first attempt',
    labelNames: ['queue'],
    buckets: WAIT_SECONDS,
    registers,
  })
  const duration = new Histogram({
    name: 'lead_unlock_job_duration_seconds',
    help: 'Time that an attempt of a job ran, however it ended',
    labelNames: ['queue'],
    buckets: CALL_SECONDS,
    registers,
  })
  for (const queue of jobNames) for (const outcome of JOB_OUTCOMES) attempts.inc({ queue, outcome }, 0)
  return {
    waited: (queue, seconds) => wait.observe({ queue }, seconds),
    ended(queue, outcome, seconds) {
      attempts.inc({ queue, outcome })
      duration.observe({ queue }, seconds)
    },
    stalled: (queue) => attempts.inc({ queue, outcome: 'stalled' }),
  }
}
