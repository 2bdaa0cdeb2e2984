import type { MikroORM } from '@mikro-orm/postgresql'
import { expect, it } from 'vitest'
import { migrations } from '../../src/db/migrations/index.ts'
import { migrateUp, pendingMigrations } from '../../src/db/postgres/migrate-up.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { openMigratedDatabase } from '../support/migrated-database.ts'
import { query } from '../support/query.ts'
import { createTestDatabase } from '../support/stores.ts'
import { until } from '../support/until.ts'

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

it('a migration goes through though a process of the version before is in its way, and it in theirs', async () => {
  const database = await createTestDatabase()
  const db = await openDatabase({ url: database.url, poolSize: 4 })
  try {
    await db.migrator.up({ to: '0002-early-payment-events' })
    // As a worker does about a text that was sent: its message is written, then its unlock.
    const worker = db.em.fork()
    await worker.begin()
    await worker.execute('lock table outbound_messages in row exclusive mode')
    const migrated = migrateUp(db)
    await until('the migration to wait', async () => {
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      return (await db.em.fork().execute(waiting)).length === 1
    })
    await worker.execute('lock table lead_unlocks in row exclusive mode')
    await worker.commit()
    expect(await migrated).toEqual(migrations.slice(2).map(({ name }) => name))
    expect(await pendingMigrations(db)).toEqual([])
  } finally {
    await db.close(true)
    await database.drop()
  }
})

it.each([
  { last: '0002-early-payment-events', held: 'providers' },
  { last: '0004-api-keys', held: 'payments' },
  { last: '0005-analytics', held: 'outbound_messages' },
])(
  'after $last a migration makes nothing before it has $held: on large tables it would begin anew for ever',
  async (it) => {
    const database = await createTestDatabase()
    const db = await openDatabase({ url: database.url, poolSize: 4 })
    try {
      await db.migrator.up({ to: it.last })
      const worker = db.em.fork()
      await worker.begin()
      await worker.execute(`lock table ${it.held} in row exclusive mode`)
      const migrated = migrateUp(db)
      let locks: Lock[] = []
      await until('the migration to wait', async () => {
        locks = await locksOf(db)
        return locks.some(({ name, granted }) => name === it.held && !granted)
      })
      await worker.commit()
      await migrated
      // What it has made is in no list yet, but it is locked.
      expect(locks.map(({ name }) => name)).not.toContain(null)
    } finally {
      await db.close(true)
      await database.drop()
    }
  },
)

it('a migration sees what was written until it had its tables, whatever isolation Postgres begins with', async () => {
  const database = await createTestDatabase()
  await query(
    database.url,
    `alter database "${new URL(database.url).pathname.slice(1)}" set default_transaction_isolation = 'serializable'`,
  )
  const db = await openDatabase({ url: database.url, poolSize: 4 })
  try {
    await db.migrator.up({ to: '0008-unrecorded-links' })
    const worker = db.em.fork()
    await worker.begin()
    await worker.execute(
      `insert into payments (checkout_session_id, amount_cents, currency, status, refunded_cents)
       values ('cs_1', 2000, 'usd', 'refunded', 2000) returning id`,
    )
    const migrated = migrateUp(db)
    await until('the migration to wait', async () => (await locksOf(db)).some(({ granted }) => !granted))
    await worker.commit()
    await migrated
    expect(await db.em.fork().execute('select amount_cents from refunds')).toEqual([{ amount_cents: 2000 }])
  } finally {
    await db.close(true)
    await database.drop()
  }
})

/** `name` of a table or an index; null for one that is not committed yet. */
type Lock = { name: string | null; granted: boolean }

function locksOf(db: MikroORM): Promise<Lock[]> {
  return db.em.fork().execute<Lock[]>(
    `select (select relname from pg_class where oid = relation) as name, granted from pg_locks
     where locktype = 'relation' and database = (select oid from pg_database where datname = current_database())`,
  )
}
