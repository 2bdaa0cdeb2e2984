import type { Pool, PoolClient } from 'pg'
import { isBegin } from './connection-options.ts'

type Query = (sql: unknown, ...rest: unknown[]) => unknown

/** What the driver answers to a statement that answers nothing. */
const DONE = { command: '', rowCount: null, rows: [], fields: [] }

/**
 * Has a transaction begin with its first statement, in one message to Postgres: until then it has seen nothing and holds
 * nothing, and a round trip costs more than most statements do. A text of several statements answers what its last one
 * does. What Postgres gets are simple queries, which mean the same through a pooler.
 *
 * A connection that is lost by then fails the first statement in place of `begin`, which the query builder would take for
 * a transaction that is not its own to end: it would never give the connection back to the pool.
 *
 * @param pool a new pool, as `onPoolCreated` of the driver's options gets it
 */
export function beginWithFirstStatement(pool: Pool): void {
  pool.on('connect', (client: PoolClient) => {
    const original: unknown = Reflect.get(client, 'query')
    if (typeof original !== 'function') throw new Error('the database driver has no query to add to')
    const query: Query = (...args) => Reflect.apply(original, client, args)
    let begin: unknown = null
    Reflect.set(client, 'query', (sql: unknown, ...rest: unknown[]) => {
      const ahead = begin
      begin = isBegin(sql) ? sql : null
      if (begin !== null) return Promise.resolve(DONE)
      if (ahead === null) return typeof sql === 'string' ? lastOf(query(sql, ...rest)) : query(sql, ...rest)
      if (sql === 'commit' || sql === 'rollback') return Promise.resolve(DONE)
      if (typeof sql === 'string' && hasNoValues(rest)) return lastOf(query(`${ahead}; ${sql}`, ...rest))
      return Promise.resolve(query(ahead)).then(() => query(sql, ...rest))
    })
  })
}

/** Values beside the text make a prepared statement of it, which is one statement. */
function hasNoValues([values]: unknown[]): boolean {
  return values === undefined || (Array.isArray(values) && values.length === 0)
}

async function lastOf(answer: unknown): Promise<unknown> {
  const answers: unknown = await answer
  return Array.isArray(answers) ? answers.at(-1) : answers
}
