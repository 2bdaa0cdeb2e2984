import { afterAll, beforeAll, expect, it } from 'vitest'
import { inTransaction, openDatabase } from '../../src/db/postgres/orm.ts'
import { query } from '../support/query.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

it.each(['', '?pgbouncer=true'])(
  'who waited for a row lock sees what its holder wrote, whatever level the server begins with (%s)',
  async (parameters) => {
    await query(
      database.url,
      `do $$ begin
    execute format('alter database %I set default_transaction_isolation = %L', current_database(), 'serializable');
  end $$`,
    )
    const db = await openDatabase({ url: `${database.url}${parameters}`, poolSize: 1 })
    try {
      const levels = await inTransaction(db.em, (tx) =>
        tx.execute(`select current_setting('transaction_isolation') as level`),
      )
      expect(levels).toEqual([{ level: 'read committed' }])
    } finally {
      await db.close(true)
    }
  },
)
