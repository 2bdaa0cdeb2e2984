import { once } from 'node:events'
import type { Pool, PoolClient } from 'pg'
import { watchAnswers } from './connection-query.ts'
import { streamOf } from './connection-stream.ts'
import { isReadOnly } from './sqlstates.ts'

/**
 * Ends connections to a server that takes no writes. One made in the middle of a failover may lead to the old primary; the
 * pool would use it again for as long as it is busy, and each write on it fail, though the name has long led to the new one.
 *
 * @param pool as `wrapQueries` takes it
 */
export function endReadOnlyConnections(pool: Pool): void {
  watchAnswers(pool, (client, answer) =>
    answer.catch(async (error: unknown) => {
      if (isReadOnly(error)) await end(client)
      throw error
    }),
  )
}

/** Waits for the end: until then, the pool would give the connection to whoever comes next. */
async function end(client: PoolClient): Promise<void> {
  const stream = streamOf(client).destroy()
  if (!stream.closed) await once(stream, 'close')
}
