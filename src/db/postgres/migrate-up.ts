import { setTimeout as delay } from 'node:timers/promises'
import { IsolationLevel } from '@mikro-orm/core'
import type { MikroORM } from '@mikro-orm/postgresql'
import { migrations } from '../migrations/index.ts'
import { isLockConflict } from './sqlstates.ts'

/** Held while migrating, so that processes starting at once migrate once, the others after it and with nothing left to do. */
const MIGRATION_LOCK = 7_701_000

/**
 * How long a migration waits for a table. Whoever wants the table after it waits as well, and one who has another that the
 * migration needs would do so for ever: it gives way before Postgres looks for deadlocks, which takes a second.
 */
const LOCK_TIMEOUT = '200ms'
/** Until it is begun anew, milliseconds: those who waited for it have their turn. */
const PAUSE_MS = 300
/** Some five minutes. */
const MAX_TRIES = 600

/** Names of the migrations that this code knows and the database has not had. */
export async function pendingMigrations(db: MikroORM): Promise<string[]> {
  return (await db.migrator.getPending()).map(({ name }) => name)
}

/**
 * Brings the schema up to date under an advisory lock, while processes of the version before are at work. Each migration has
 * a transaction of its own, so that it locks no more tables than it has to.
 *
 * @returns names of the migrations that were run here
 */
export async function migrateUp(db: MikroORM): Promise<string[]> {
  return db.em.fork().transactional(async (turn) => {
    // The wait for another process, and what this one does then, may take longer than anything else.
    await turn.execute(
      `set local statement_timeout = 0; set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0;
       select pg_advisory_xact_lock(?)`,
      [MIGRATION_LOCK],
    )
    const pending = await pendingMigrations(db)
    for (const name of pending) await migrate(db, name)
    return pending
  })
}

async function migrate(db: MikroORM, name: string): Promise<void> {
  const lock = migrations.find((migration) => migration.name === name)?.lock
  for (let tries = 1; ; tries += 1) {
    try {
      await db.em.fork().transactional(
        async (tx) => {
          await tx.execute(`set local statement_timeout = 0; set local lock_timeout = '${LOCK_TIMEOUT}'`)
          if (lock !== undefined) await tx.execute(lock)
          const transaction = tx.getTransactionContext()
          await db.migrator.up({ migrations: [name], ...(transaction === undefined ? {} : { transaction }) })
        },
        // It has to see what was written while it waited for its tables, whatever level the server begins with.
        { isolationLevel: IsolationLevel.READ_COMMITTED },
      )
      return
    } catch (error) {
      if (tries === MAX_TRIES || !isLockConflict(error)) throw error
      await delay(PAUSE_MS)
    }
  }
}
