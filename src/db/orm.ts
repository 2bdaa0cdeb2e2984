import { Migrator } from '@mikro-orm/migrations'
import { defineConfig, type EntityManager, MikroORM } from '@mikro-orm/postgresql'
import { entities } from './entities/index.ts'
import { releaseWhereNothingBegan, tolerateRollbackOfLostConnection } from './lost-connections.ts'
import { migrations } from './migrations/index.ts'

export type { EntityManager } from '@mikro-orm/postgresql'

export type DatabaseOptions = {
  url: string
  /** Connections at most; 10 when absent. */
  poolSize?: number
}

/** Longest wait for a row lock and for a statement, milliseconds: nothing here is slow unless something is wrong. */
const LOCK_TIMEOUT_MS = 15_000
const STATEMENT_TIMEOUT_MS = 30_000

/**
 * Connects to Postgres. Use `db.fork()` for each request and each job attempt, never the global manager.
 *
 * @returns the ORM; `close()` it to release the pool
 */
export async function openDatabase(options: DatabaseOptions): Promise<MikroORM> {
  return new MikroORM(
    defineConfig({
      clientUrl: options.url,
      entities,
      extensions: [Migrator],
      migrations: {
        migrationsList: migrations,
        snapshot: false,
        silent: true,
        allOrNothing: true,
        tableName: 'schema_migrations',
      },
      pool: { min: 0, max: options.poolSize ?? 10 },
      driverOptions: {
        statement_timeout: STATEMENT_TIMEOUT_MS,
        lock_timeout: LOCK_TIMEOUT_MS,
        idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
        connectionTimeoutMillis: 10_000,
        keepAlive: true,
        onPoolCreated: releaseWhereNothingBegan,
      },
      onCreateConnection: tolerateRollbackOfLostConnection,
      forceUtcTimezone: true,
    }),
  )
}

/** Runs `work` in one transaction on a fork of its own and returns its result after the commit. */
export function inTransaction<T>(em: EntityManager, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  return em.fork().transactional(work)
}
