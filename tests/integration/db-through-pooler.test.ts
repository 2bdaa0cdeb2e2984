import { afterAll, beforeAll, expect, it } from 'vitest'
import { inTransaction, openDatabase } from '../../src/db/postgres/orm.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

const LIMITS = `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
  current_setting('idle_in_transaction_session_timeout') as idle`

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

it('through a pooler a connection brings no settings, and each transaction the limits that a session has otherwise', async () => {
  const limits = { lock: '15s', statement: '30s', idle: '30s' }
  expect(await limitsOf(database.url)).toEqual({ inside: [limits], outside: [limits] })
  const none = { lock: '0', statement: '0', idle: '0' }
  expect(await limitsOf(`${database.url}?pgbouncer=true`)).toEqual({ inside: [limits], outside: [none] })
})

async function limitsOf(url: string): Promise<{ inside: unknown; outside: unknown }> {
  const db = await openDatabase({ url, poolSize: 1 })
  try {
    const inside = await inTransaction(db.em, (tx) => tx.execute(LIMITS))
    return { inside, outside: await db.em.fork().execute(LIMITS) }
  } finally {
    await db.close(true)
  }
}
