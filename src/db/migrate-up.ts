import type { MikroORM } from '@mikro-orm/postgresql'
import { inTransaction } from './orm.ts'

/** Held while migrating, so that processes starting at once migrate once, the others after it and with nothing left to do. */
const MIGRATION_LOCK = 7_701_000

/** Names of the migrations that this code knows and the database has not had. */
export async function pendingMigrations(db: MikroORM): Promise<string[]> {
  return (await db.migrator.getPending()).map(({ name }) => name)
}

/**
 * Brings the schema up to date, all or nothing, in one transaction under an advisory lock.
 *
 * @returns names of the migrations that were run here
 */
export async function migrateUp(db: MikroORM): Promise<string[]> {
  return inTransaction(db.em, async (tx) => {
    // A migration, and the wait for another process's, may take longer than any other statement.
    await tx.execute('set local statement_timeout = 0')
    await tx.execute('set local lock_timeout = 0')
    await tx.execute('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK])
    const transaction = tx.getTransactionContext()
    const applied = await db.migrator.up(transaction === undefined ? {} : { transaction })
    return applied.map(({ name }) => name)
  })
}
