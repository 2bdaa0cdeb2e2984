import type { MikroORM } from '@mikro-orm/postgresql'
import type { Pool } from 'pg'

/** The connections of one process to Postgres. */
export type PoolUsage = {
  inUse: number
  idle: number
  /** Who waits for a connection, because all are in use. */
  waiting: number
  /** Connections at most. */
  limit: number
}

const pools = new WeakMap<MikroORM, { limit: number; pool(): Pool | undefined }>()

/** Remembers the pool of an ORM for `poolUsage`; it is made with the first connection. */
export function rememberPool(db: MikroORM, limit: number, pool: () => Pool | undefined): void {
  pools.set(db, { limit, pool })
}

/** How the pool of an ORM opened with `openDatabase` is used at this moment. Asks nobody. */
export function poolUsage(db: MikroORM): PoolUsage {
  const known = pools.get(db)
  if (known === undefined) throw new Error('this ORM was not opened with openDatabase')
  const pool = known.pool()
  const idle = pool?.idleCount ?? 0
  return { inUse: (pool?.totalCount ?? 0) - idle, idle, waiting: pool?.waitingCount ?? 0, limit: known.limit }
}
