import type { MikroORM } from '@mikro-orm/postgresql'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { migrations } from '../../src/db/migrations/index.ts'
import { migrateUp, pendingMigrations } from '../../src/db/postgres/migrate-up.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

let database: TestDatabase
let db: MikroORM
beforeEach(async () => {
  database = await createTestDatabase()
  db = await openDatabase({ url: database.url, poolSize: 3 })
  await db.migrator.up({ to: migrations[0]?.name ?? '' })
})
afterEach(async () => {
  await db.close(true)
  await database.drop()
})

/** Does something whenever a migration is noted as done, in its transaction. */
async function onEach(body: string): Promise<void> {
  await db.em.fork().execute(
    `create function noted() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
     create trigger noted before insert on schema_migrations for each row execute function noted();`,
  )
}

it('a migration may take as long as it takes, and waits for a table only a moment', async () => {
  await db.em.fork().execute('create table seen (statement text, lock text)')
  await onEach(`insert into seen values (current_setting('statement_timeout'), current_setting('lock_timeout'));`)
  await migrateUp(db)
  expect(await db.em.fork().execute('select distinct * from seen')).toEqual([{ statement: '0', lock: '200ms' }])
})

it('a migration that fails is not tried again; those before it stay, and it is begun anew the next time', async () => {
  const names = migrations.map(({ name }) => name)
  const failing = names[3] ?? ''
  await onEach(`if new.name = '${failing}' then raise exception 'not now'; end if;`)
  await expect(migrateUp(db)).rejects.toThrow('not now')
  expect(await pendingMigrations(db)).toEqual(names.slice(3))
  await db.em.fork().execute('drop trigger noted on schema_migrations')
  expect(await migrateUp(db)).toEqual(names.slice(3))
})
