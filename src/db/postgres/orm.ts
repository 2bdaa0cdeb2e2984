import { IsolationLevel } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { defineConfig, type EntityManager, MikroORM } from '@mikro-orm/postgresql'
import type { Pool } from 'pg'
import { parseDatabaseUrl } from '../../database-url.ts'
import { entities } from '../entities/index.ts'
import { migrations } from '../migrations/index.ts'
import { connectionOptions, limitTransactions } from './connection-options.ts'
import { escapeInFewPieces } from './escape-literal.ts'
import { tolerateRollbackOfLostConnection } from './lost-connections.ts'
import { rememberPool } from './pool.ts'
import { endReadOnlyConnections } from './read-only-connections.ts'
import { saveRoundTrips } from './round-trips.ts'
import { endSilentConnections } from './silent-connections.ts'
import { isDeadlock } from './sqlstates.ts'

export type { EntityManager } from '@mikro-orm/postgresql'

export type DatabaseOptions = {
  /** As `parseDatabaseUrl` takes it. */
  url: string
  /** Connections at most. */
  poolSize: number
  /** A connection on which a statement takes longer, milliseconds, is ended; never when absent. */
  answersWithinMs?: number
}

/**
 * Connects to Postgres. Use `db.fork()` for each request and each job attempt, never the global manager.
 *
 * @returns the ORM; `close()` it to release the pool
 */
export async function openDatabase(options: DatabaseOptions): Promise<MikroORM> {
  const address = parseDatabaseUrl(options.url)
  let pool: Pool | undefined
  const db = new MikroORM(
    defineConfig({
      clientUrl: address.url,
      entities,
      extensions: [Migrator],
      migrations: {
        migrationsList: migrations,
        snapshot: false,
        silent: true,
        allOrNothing: true,
        tableName: 'schema_migrations',
      },
      pool: { min: 0, max: options.poolSize },
      driverOptions: {
        ...connectionOptions(address),
        onPoolCreated(created: Pool) {
          pool = created
          saveRoundTrips(created)
          endReadOnlyConnections(created)
          if (address.throughPooler) limitTransactions(created)
          if (options.answersWithinMs !== undefined) endSilentConnections(created, options.answersWithinMs)
        },
      },
      onCreateConnection: tolerateRollbackOfLostConnection,
      forceUtcTimezone: true,
    }),
  )
  escapeInFewPieces(db)
  rememberPool(db, options.poolSize, () => pool)
  return db
}

/** How often a transaction is begun that Postgres ends each time. */
const MAX_TRIES = 5

/**
 * Runs `work` in one transaction on a fork of its own and returns its result after the commit. Whoever waited for a row lock has
 * to see what its holder wrote, whatever level the server begins with. Of two transactions that wait for each other Postgres
 * ends one, which is begun anew.
 *
 * @param work may run several times: what it changes outside of the transaction is not undone
 */
export async function inTransaction<T>(em: EntityManager, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await em.fork().transactional(work, { isolationLevel: IsolationLevel.READ_COMMITTED })
    } catch (error) {
      if (tries === MAX_TRIES || !isDeadlock(error)) throw error
    }
  }
}
