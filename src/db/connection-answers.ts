import type { Pool, PoolClient } from 'pg'

/**
 * Has every answer that is waited for on a pool's connections go through `watch`.
 *
 * @param pool a new pool, as `onPoolCreated` of the driver's options gets it
 * @param watch returns what the asker gets
 */
export function watchAnswers(
  pool: Pool,
  watch: (client: PoolClient, answer: Promise<unknown>) => Promise<unknown>,
): void {
  pool.on('connect', (client: PoolClient) => {
    const query: unknown = Reflect.get(client, 'query')
    if (typeof query !== 'function') throw new Error('the database driver has no query to add to')
    Reflect.set(client, 'query', (...args: unknown[]) => {
      const answer: unknown = Reflect.apply(query, client, args)
      return answer instanceof Promise ? watch(client, answer) : answer
    })
  })
}
