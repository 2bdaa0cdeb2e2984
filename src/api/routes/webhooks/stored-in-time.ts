import { inTime } from '../../../in-time.ts'
import { HANDLER_TIMEOUT_MS } from '../../limits.ts'
import { ProblemError } from '../../problem.ts'

/**
 * Waits for what a webhook brought to be stored, as long as any route may take.
 *
 * @throws {ProblemError} `unavailable`, when Postgres is not heard of for that long
 */
export function storedInTime<T>(storing: Promise<T>): Promise<T> {
  return inTime(storing, HANDLER_TIMEOUT_MS, () => {
    throw new ProblemError('unavailable')
  })
}
