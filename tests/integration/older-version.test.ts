import { expect, it } from 'vitest'
import { migrateUp, pendingMigrations } from '../../src/db/migrate-up.ts'
import { openMigratedDatabase } from '../support/migrated-database.ts'

it('a version goes back to the one before on the schema as it is: it lacks nothing, and migrates nothing', async () => {
  const { db, close } = await openMigratedDatabase(2)
  try {
    await db.em.fork().execute(`insert into schema_migrations (name) values ('9999-of-a-later-version')`)
    expect(await pendingMigrations(db)).toEqual([])
    expect(await migrateUp(db)).toEqual([])
  } finally {
    await close()
  }
})
