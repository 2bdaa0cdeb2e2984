import type { MikroORM } from '@mikro-orm/postgresql'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { storePast } from '../../bench/past.ts'
import { claimDue } from '../../src/db/due/due.ts'
import { overdueWork } from '../../src/db/due/overdue.ts'
import type { EntityManager } from '../../src/db/postgres/orm.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'
import { readWhole, statementsOf } from '../support/query-plans.ts'

/** Enough for the planner to prefer an index; each lead has three unlocks. */
const LEADS = 3000

const HANDLED = `
  insert into webhook_inbox (source, external_id, content_type, status, processed_at)
    select 'stripe', 'evt_' || n, '', 'processed', now() from generate_series(1, ${LEADS}) n;
  insert into payment_links (unlock_id, generation, stripe_id, url, status, closed_at)
    select id, 1, 'plink_past' || id, 'https://buy.stripe.com/' || id, 'closed', now() from lead_unlocks;
  analyze`

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(2)
  db = database.db
  const pool = new Pool({ connectionString: database.url, max: 1 })
  await storePast(pool, LEADS)
  await pool.query(HANDLED)
  await pool.end()
})
afterAll(() => database.close())

/** Tables that hold little, however much is done: who is asked to work, and what a person has to look at. */
const SMALL = ['providers', 'escalations']

it.each([
  ['the sweep finds what is due', (tx: EntityManager) => claimDue(tx, 200)],
  ['what is overdue is measured', overdueWork],
])('%s by indexes, however much is done', async (_name, work) => {
  const statements = await statementsOf(db, work)
  expect(statements.length).toBeGreaterThan(0)
  const read = await Promise.all(statements.map((statement) => readWhole(db, statement)))
  expect(read.flat().filter((table) => !SMALL.includes(table))).toEqual([])
})
