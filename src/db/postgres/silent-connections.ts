import type { Pool } from 'pg'
import { watchAnswers } from './connection-query.ts'
import { streamOf } from './connection-stream.ts'

/** For API and workers, milliseconds: longer than any statement of theirs may take (`statement_timeout`). */
export const ANSWERS_WITHIN_MS = 40_000

/**
 * Ends connections that do not answer. One whose other end is gone without a word, because a host lost its power or a
 * network forgot it, would be waited for until TCP gives up, a quarter of an hour, with its place in the pool. What waits
 * for it fails as on any connection that is lost.
 *
 * @param pool as `wrapQueries` takes it
 * @param withinMs milliseconds that a statement may take
 */
export function endSilentConnections(pool: Pool, withinMs: number): void {
  watchAnswers(pool, (client, answer) => {
    const timer = setTimeout(() => streamOf(client).destroy(), withinMs)
    return answer.finally(() => clearTimeout(timer))
  })
}
