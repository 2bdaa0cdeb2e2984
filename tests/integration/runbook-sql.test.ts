import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('a database that was restored gives no text a number that the lost one may have given', async () => {
  const skip = blocks.find((sql) => sql.includes('setval')) ?? ''
  const add = `insert into outbound_messages (purpose, dedupe_key, phone, body)
    values ('help', gen_random_uuid(), '+13055550160', 'help') returning id`
  const [before] = await query(database.url, add)
  await query(database.url, skip)
  const [after] = await query(database.url, add)
  expect(Number(after?.id)).toBeGreaterThan(Number(before?.id) + 999_999)
})
