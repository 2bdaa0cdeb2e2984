import type { MikroORM } from '@mikro-orm/postgresql'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storePast } from '../../bench/past.ts'
import { Lead } from '../../src/db/entities/index.ts'
import { offerLead } from '../../src/db/leads/offers.ts'
import { wakeWaitingTeasers } from '../../src/db/ledger/messages.ts'
import { listLeads } from '../../src/db/lists/lead-list.ts'
import { listMessages } from '../../src/db/lists/message-list.ts'
import { listPayments } from '../../src/db/lists/payment-list.ts'
import type { EntityManager } from '../../src/db/postgres/orm.ts'
import { lockProvider, unsubscribe } from '../../src/db/providers/subscriptions.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'
import { joinsOf, readWhole, rowsLookedAt, statementsOf } from '../support/query-plans.ts'

/** Enough for the planner to do as it does with millions; each lead has three unlocks. */
const LEADS = 3000
/** Unlocks of today, whose teasers wait for the morning. */
const OPEN = 20

const TODAY = `
  insert into leads (id, city, service_type, client_name, client_phone)
    select 'lead_today' || lpad(n::text, 3, '0'), 'Miami', 'massage', 'sealed', 'sealed' from generate_series(1, ${OPEN}) n;
  insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at)
    select 'lead_today' || lpad(n::text, 3, '0'), 'past1', 2000, 'usd', now() + interval '1 day'
    from generate_series(1, ${OPEN}) n;
  insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, body, next_attempt_at, not_before)
    select 'teaser', 'teaser:' || id, id, provider_id, '+19990000001', 'today', now() + interval '1 day',
      now() + interval '1 day' from lead_unlocks where status = 'NEW_LEAD';
  analyze`

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(2)
  db = database.db
  const pool = new Pool({ connectionString: database.url, max: 1 })
  await storePast(pool, LEADS)
  await pool.query(TODAY)
  await pool.end()
})
afterAll(() => database.close())

const providers = (count: number) => Array.from({ length: count }, (_, index) => `past${index + 1}`)

async function lookedAtBy(work: (tx: EntityManager) => Promise<unknown>): Promise<number> {
  const statements = await statementsOf(db, work)
  let rows = 0
  for (const statement of statements) rows += await rowsLookedAt(db, statement)
  return rows
}

describe('however many unlocks and texts there are', () => {
  it('who gets a first teaser is found without reading them all', async () => {
    const terms = { priceCents: 2000, currency: 'usd', ttlHours: 24 }
    const policy = { quiet: { hours: null, zonesOfUnknown: [] }, footer: 'Reply STOP to opt out.' }
    const statements = await statementsOf(db, async (tx) => {
      const lead = await tx.findOneOrFail(Lead, { id: 'lead_today001' })
      await offerLead(tx, lead, providers(500), terms, policy)
    })
    const asking = statements.filter(({ sql }) => /^\s*select/.test(sql))
    const read = await Promise.all(asking.map((statement) => readWhole(db, statement)))
    expect(read.flat().filter((table) => table !== 'providers')).toEqual([])
  })

  it.each([
    ['leads by an open unlock', (tx: EntityManager) => listLeads(tx, { unlockStatus: 'NEW_LEAD' }, null, 50)],
    ['texts of a rare purpose', (tx: EntityManager) => listMessages(tx, { purpose: 'details_erased' }, null, 50)],
    ['payments that wait for a person', (tx: EntityManager) => listPayments(tx, { status: 'refund_failed' }, null, 50)],
  ])('%s are listed without reading them all', async (_name, list) => {
    expect(await lookedAtBy(list)).toBeLessThan(LEADS / 10)
  })
})

it('teasers that wait are not joined with the providers whose time zones change, of whose number Postgres knows nothing', async () => {
  const statements = await statementsOf(db, (tx) => wakeWaitingTeasers(tx, providers(1000)))
  const joins = await Promise.all(statements.map((statement) => joinsOf(db, statement)))
  expect(joins.flat()).toEqual([])
  expect(statements).toHaveLength(1)
})

it('a STOP keeps no unlock in mind that it is done with, however many are open', async () => {
  await statementsOf(db, async (tx) => {
    const provider = await lockProvider(tx, 'past1')
    if (provider === null) throw new Error('there is no such provider')
    const { phone } = provider
    await unsubscribe(tx, provider, new Date(), { phone, confirm: true, tellGateway: true, brand: 'Gold Touch List' })
    const [stopped] = await tx.execute<{ count: number }[]>(
      `select count(*)::integer from lead_unlocks where provider_id = 'past1' and status = 'OPTED_OUT'`,
    )
    expect(stopped?.count).toBe(OPEN)
    expect([...tx.getUnitOfWork().getIdentityMap().values()]).toEqual([provider])
  })
})
