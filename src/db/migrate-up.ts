import type { MikroORM } from '@mikro-orm/postgresql'
import pg from 'pg'

/** Held while migrating, so that processes starting at once migrate once, the others after it and with nothing left to do. */
const MIGRATION_LOCK = 7_701_000

/** Names of the migrations that this code knows and the database has not had. */
export async function pendingMigrations(db: MikroORM): Promise<string[]> {
  return (await db.migrator.getPending()).map(({ name }) => name)
}

/**
 * Brings the schema up to date, all or nothing, under an advisory lock.
 *
 * @param url of the same database: the lock has a connection of its own
 * @returns names of the migrations that were run here
 */
export async function migrateUp(db: MikroORM, url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const applied = await db.migrator.up()
    return applied.map(({ name }) => name)
  } finally {
    await client.end()
  }
}
