import type { Due } from '../domain/due.ts'
import { inTime } from '../in-time.ts'
import type { Publisher, PublishOptions } from '../queues/publisher.ts'

/** Longest an answer waits for Redis, milliseconds. */
const PATIENCE_MS = 2_000

/**
 * Publishes wake-ups after the commit, without making the answer depend on Redis: a queue whose connection never came up
 * waits for it for ever, and a gateway must not. What was not published in time the sweep finds in Postgres.
 */
export async function wakeUp(
  publisher: Publisher,
  due: readonly Due[],
  options: Pick<PublishOptions, 'delayMs' | 'requestId'>,
): Promise<void> {
  if (due.length === 0) return
  await inTime(publisher.publish(due, options), PATIENCE_MS, () => undefined)
}
