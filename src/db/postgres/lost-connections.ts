import { isLost } from './sqlstates.ts'

type Execute = (query: { sql: string }, ...rest: unknown[]) => Promise<unknown>

/**
 * Lets a transaction end whose connection was lost. The query builder gives a connection back to the pool only after a
 * rollback that succeeded, which this one cannot: each would take up a place in the pool for ever, until the process can
 * no longer reach the database at all. Postgres has rolled back by itself, and the pool throws the dead connection away.
 *
 * @param connection a new connection, as `onCreateConnection` gets it
 */
export async function tolerateRollbackOfLostConnection(connection: unknown): Promise<void> {
  const execute: unknown = Reflect.get(Object(connection), 'executeQuery')
  if (typeof execute !== 'function') throw new Error('the database driver has no executeQuery to guard')
  const guarded: Execute = async (query, ...rest) => {
    try {
      return await execute.call(connection, query, ...rest)
    } catch (error) {
      if (query.sql === 'rollback' && isLost(error)) return { rows: [] }
      throw error
    }
  }
  Reflect.set(Object(connection), 'executeQuery', guarded)
}
