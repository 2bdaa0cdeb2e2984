import type { MikroORM } from '@mikro-orm/postgresql'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { storePast } from '../../bench/past.ts'
import { claimDue } from '../../src/db/due/due.ts'
import { overdueWork } from '../../src/db/due/overdue.ts'
import type { EntityManager } from '../../src/db/postgres/orm.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'

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

type Statement = { sql: string; values: unknown[] }

/** What `work` asks of Postgres. */
async function statementsOf(work: (tx: EntityManager) => Promise<unknown>): Promise<Statement[]> {
  const statements: Statement[] = []
  await db.em.fork().transactional(async (tx) => {
    const execute = tx.execute.bind(tx)
    Reflect.set(tx, 'execute', (sql: string, values: unknown[] = []) => {
      statements.push({ sql, values })
      return execute(sql, values)
    })
    await work(tx)
  })
  return statements
}

type Node = { 'Node Type': string; 'Relation Name'?: string; Plans?: Node[] }

/** The tables that a statement reads from end to end. */
async function readWhole({ sql, values }: Statement): Promise<string[]> {
  const [row] = await db.em.fork().execute<{ 'QUERY PLAN': { Plan: Node }[] }[]>(`explain (format json) ${sql}`, values)
  const whole = (node: Node): string[] => [
    ...(node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : []),
    ...(node.Plans ?? []).flatMap(whole),
  ]
  return (row?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => whole(Plan))
}

/** Tables that hold little, however much is done: who is asked to work, and what a person has to look at. */
const SMALL = ['providers', 'escalations']

it.each([
  ['the sweep finds what is due', (tx: EntityManager) => claimDue(tx, 200)],
  ['what is overdue is measured', overdueWork],
])('%s by indexes, however much is done', async (_name, work) => {
  const statements = await statementsOf(work)
  expect(statements.length).toBeGreaterThan(0)
  const read = await Promise.all(statements.map(readWhole))
  expect(read.flat().filter((table) => !SMALL.includes(table))).toEqual([])
})
