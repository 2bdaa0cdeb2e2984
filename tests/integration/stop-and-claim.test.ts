import { randomBytes } from 'node:crypto'
import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createInbox } from '../../src/db/inbox/store.ts'
import { claim, DEFAULT_LEDGER_TIMING } from '../../src/db/ledger/claim.ts'
import { type EntityManager, inTransaction } from '../../src/db/postgres/orm.ts'
import { createSealer } from '../../src/db/sealing/sealing.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'
import { until } from '../support/until.ts'

const PHONE = '+13055550160'
const ANY_TIME = { hours: null, zonesOfUnknown: [] }

const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }])

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(4)
  db = database.db
})
beforeEach(() => db.em.fork().execute('truncate providers, leads, webhook_inbox cascade'))
afterAll(() => database.close())

/** @returns the id of a teaser that waits to be sent */
async function waitingTeaser(): Promise<number> {
  const [row] = await db.em.fork().execute<{ id: number }[]>(
    `with provider as (insert into providers (id, name, phone) values ('amy', 'Amy', ?) returning id),
       lead as (insert into leads (id, city, service_type, client_name, client_phone)
         values ('lead_abc12345', 'Miami', 'Massage', '-', '-') returning id),
       offer as (insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at)
         select lead.id, provider.id, 2000, 'usd', app_now() + interval '1 day' from lead, provider returning id)
     insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, body)
       select 'teaser', 'teaser', offer.id, provider.id, ?, 'a new client' from offer, provider returning id`,
    [PHONE, PHONE],
  )
  return row?.id ?? Number.NaN
}

const claimTeaser = (tx: EntityManager, id: number) => claim(tx, id, DEFAULT_LEDGER_TIMING, ANY_TIME)
const storeStop = () =>
  createInbox(db.em, sealer).storeInboundSms(
    { id: '1', phone: PHONE, text: 'STOP', sentAt: null },
    { raw: Buffer.from('{}'), contentType: 'application/json' },
  )

async function somebodyWaits(): Promise<void> {
  await until('somebody to wait for a lock', async () => {
    const rows = await db.em
      .fork()
      .execute(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
    return rows.length === 1
  })
}

it('a STOP is not answered before a claim that began before it is committed', async () => {
  const id = await waitingTeaser()
  let answered = false
  const { stop } = await inTransaction(db.em, async (tx) => {
    expect((await claimTeaser(tx, id)).type).toBe('send')
    const stop = storeStop().then(() => {
      answered = true
    })
    await somebodyWaits()
    expect(answered).toBe(false)
    return { stop }
  })
  await stop
  const [row] = await db.em
    .fork()
    .execute<{ stopped: boolean }[]>('select opted_out_at is not null as stopped from providers')
  expect(row?.stopped).toBe(true)
})

it('a claim waits for a STOP that is being stored, and then sends nothing', async () => {
  const id = await waitingTeaser()
  const { claimed } = await inTransaction(db.em, async (tx) => {
    await tx.execute(`update providers set opted_out_at = app_now() where id = 'amy' returning id`)
    const claimed = inTransaction(db.em, (other) => claimTeaser(other, id))
    await somebodyWaits()
    return { claimed }
  })
  expect(await claimed).toEqual({ type: 'settled', status: 'cancelled' })
})
