import type { JobName, Payload } from '../queues/contract.ts'
import type { JobDeps } from './deps.ts'

/** One job of the contract and what it does. */
export type JobHandler<N extends JobName = JobName> = {
  name: N
  /** Does the work, or as much of it as is due. Runs any number of times for the same work, also side by side. */
  run(deps: JobDeps, payload: Payload<N>): Promise<void>
  /**
   * The job failed for good: tell a person, and keep the sweep from repeating it. May itself run twice.
   *
   * @param code why, without content
   */
  onFailed(deps: JobDeps, payload: Payload<N>, code: string): Promise<void>
}

/** Lets the compiler check a handler against its own payload. */
export function defineJob<N extends JobName>(handler: JobHandler<N>): JobHandler<N> {
  return handler
}
