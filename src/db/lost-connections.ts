type Execute = (query: { sql: string }, ...rest: unknown[]) => Promise<unknown>

/** The session ended: `57P0x` says so, `08xxx` is the connection itself; without a code it is the driver that says it. */
const SESSION_ENDED = /^(?:57P0[1-5]|08[0-9A-Z]{3}|E[A-Z]+)$/
const SQLSTATE = /^[0-9A-Z]{5}$/

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

/** Whether it is not Postgres that refused something: the connection is gone, or it is no error of the database at all. */
export function isLost(error: unknown): boolean {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code !== 'string' || SESSION_ENDED.test(code) || !SQLSTATE.test(code)
}
