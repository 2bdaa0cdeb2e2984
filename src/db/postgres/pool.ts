import type { MikroORM } from '@mikro-orm/postgresql'
import type { Pool } from 'pg'

/** The connections of one process to Postgres. */
export type PoolUsage = {
  inUse: number
  idle: number
  /** Who waits for a connection, because all are in use, or for a turn to take one. */
  waiting: number
  /** Connections at most. */
  limit: number
}

type Known = { limit: number; pool(): Pool | undefined; alsoWaiting: (() => number)[] }

const pools = new WeakMap<MikroORM, Known>()

/** Remembers the pool of an ORM for `poolUsage`; it is made with the first connection. */
export function rememberPool(db: MikroORM, limit: number, pool: () => Pool | undefined): void {
  pools.set(db, { limit, pool, alsoWaiting: [] })
}

/** Counts as waiting who lets others take a connection first. */
export function countAsWaiting(db: MikroORM, waiting: () => number): void {
  knownPool(db).alsoWaiting.push(waiting)
}

/** How the pool of an ORM opened with `openDatabase` is used at this moment. Asks nobody. */
export function poolUsage(db: MikroORM): PoolUsage {
  const known = knownPool(db)
  const pool = known.pool()
  const idle = pool?.idleCount ?? 0
  const waiting = known.alsoWaiting.reduce((sum, also) => sum + also(), pool?.waitingCount ?? 0)
  return { inUse: (pool?.totalCount ?? 0) - idle, idle, waiting, limit: known.limit }
}

function knownPool(db: MikroORM): Known {
  const known = pools.get(db)
  if (known === undefined) throw new Error('this ORM was not opened with openDatabase')
  return known
}
