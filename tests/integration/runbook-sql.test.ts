import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KINDS } from '../../src/db/due/due.ts'
import { query } from '../support/query.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')
const blocks = [...runbook.matchAll(/^ *```sql\n([^`]*)```/gm)].map(([, sql = '']) => sql)

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true })
})
afterAll(() => database.drop())

test('the SQL of the runbook fits the tables as they are', async () => {
  expect(blocks.length).toBeGreaterThan(3)
  for (const sql of blocks) await query(database.url, `begin; ${sql}; rollback`)
})

test.each(KINDS.filter(({ neverGivenUp = false }) => !neverGivenUp))(
  'the list of parked rows holds those of $table that the sweep would wake up',
  ({ table, where }) => {
    const list = blocks.find((sql) => sql.includes('as parked')) ?? ''
    const parked = `from ${table} where next_attempt_at > now() + interval '1 year' and ${where}`
    expect(list.replaceAll(/\s+/g, ' ')).toContain(parked)
  },
)

test('a database that was restored gives no text a number that the lost one may have given', async () => {
  const skip = blocks.find((sql) => sql.includes('setval')) ?? ''
  const add = `insert into outbound_messages (purpose, dedupe_key, phone, body)
    values ('help', gen_random_uuid(), '+13055550160', 'help') returning id`
  const [before] = await query(database.url, add)
  await query(database.url, skip)
  const [after] = await query(database.url, add)
  expect(Number(after?.id)).toBeGreaterThan(Number(before?.id) + 999_999)
})

test('a database that was restored gives no unlock a number that the lost one may have given', async () => {
  const skip = blocks.find((sql) => sql.includes('setval')) ?? ''
  await query(database.url, skip)
  const [next] = await query(database.url, `select nextval(pg_get_serial_sequence('lead_unlocks', 'id')) as id`)
  expect(Number(next?.id)).toBeGreaterThan(999_999)
})
