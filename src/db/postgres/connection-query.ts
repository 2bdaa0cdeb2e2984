import type { Pool, PoolClient } from 'pg'

/** As the driver's `client.query`: what it answers to, and whether by promise, depends on what it is given. */
export type Query = (...args: [sql: unknown, ...rest: unknown[]]) => unknown

/**
 * Puts another query in the place of the driver's own, on every connection of a pool.
 *
 * @param pool a new pool, as `onPoolCreated` of the driver's options gets it
 * @param wrap makes it of the one that a new connection has
 */
export function wrapQueries(pool: Pool, wrap: (query: Query, client: PoolClient) => Query): void {
  pool.on('connect', (client: PoolClient) => {
    const query: unknown = Reflect.get(client, 'query')
    if (typeof query !== 'function') throw new Error('the database driver has no query to add to')
    Reflect.set(
      client,
      'query',
      wrap((...args) => Reflect.apply(query, client, args), client),
    )
  })
}

/**
 * Has every answer that is waited for on a pool's connections go through `watch`.
 *
 * @param pool as `wrapQueries` takes it
 * @param watch returns what the asker gets
 */
export function watchAnswers(
  pool: Pool,
  watch: (client: PoolClient, answer: Promise<unknown>) => Promise<unknown>,
): void {
  wrapQueries(pool, (query, client) => (...args) => {
    const answer = query(...args)
    return answer instanceof Promise ? watch(client, answer) : answer
  })
}
