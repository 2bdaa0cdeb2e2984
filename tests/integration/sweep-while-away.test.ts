import type { MikroORM } from '@mikro-orm/postgresql'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDue } from '../../src/db/due/due.ts'
import { openEscalation } from '../../src/db/escalations/escalations.ts'
import { claim, DEFAULT_LEDGER_TIMING } from '../../src/db/ledger/claim.ts'
import { recordAbsent, recordRefused, recordUnclear } from '../../src/db/ledger/outcomes.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { longestBackoffMs, PATIENT } from '../../src/domain/backoff.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'

const ANY_TIME = { hours: null, zonesOfUnknown: [] }
const { settleMs } = DEFAULT_LEDGER_TIMING
const NOON = Date.UTC(2026, 10, 27, 12)
const REVEAL = 1
const LINK = 2
/** The sweep's own period, and what it leaves a job to begin. */
const SOON_MS = 30_000
/** A page in time, and one that is not answered. */
const LOOKING_MS = 15_000

let database: MigratedDatabase
let db: MikroORM
beforeEach(async () => {
  database = await openMigratedDatabase(2)
  db = database.db
  await setClock(NOON)
  await db.em.fork().execute(`
    insert into providers (id, name, phone) values ('amy', 'Amy', '+13055550160'), ('bob', 'Bob', '+13055550161');
    insert into leads (id, city, service_type, client_name, client_phone) values ('lead_abc12345', 'Miami', 'massage', '', '');
    insert into lead_unlocks (id, lead_id, provider_id, price_cents, currency, ttl_expires_at, status) values
      (${REVEAL}, 'lead_abc12345', 'amy', 2000, 'usd', '2030-01-01', 'PAID'),
      (${LINK}, 'lead_abc12345', 'bob', 2000, 'usd', '2030-01-01', 'CREATE_PAYMENT_LINK');
    insert into payments (unlock_id, checkout_session_id, amount_cents, currency, status) values (${REVEAL}, 'cs_1', 2000, 'usd', 'kept');
    insert into payment_links (id, unlock_id, generation, stripe_id, url) values (1, ${LINK}, 1, 'plink_1', 'https://pay');
    insert into outbound_messages (id, purpose, dedupe_key, unlock_id, provider_id, phone, payment_link_id, body) values
      (${REVEAL}, 'reveal', 'reveal:1:1', ${REVEAL}, 'amy', '+13055550160', null, null),
      (${LINK}, 'payment_link', 'payment_link:1:first', ${LINK}, 'bob', '+13055550161', 1, 'pay')`)
})
afterEach(() => database.close())

async function setClock(at: number): Promise<void> {
  await db.em.fork().execute(
    `create or replace function app_now() returns timestamptz language sql stable
       as $$ select timestamptz '${new Date(at).toISOString()}' $$`,
  )
}

async function fail(messageId: number, isUnclear: boolean): Promise<void> {
  const claimed = await inTransaction(db.em, (tx) => claim(tx, messageId, DEFAULT_LEDGER_TIMING, ANY_TIME))
  if (claimed.type !== 'send' && claimed.type !== 'look_up') throw new Error(`not claimed: ${claimed.type}`)
  const { lease } = claimed
  await inTransaction(db.em, (tx) =>
    isUnclear
      ? recordUnclear(tx, messageId, lease, 'timeout', settleMs)
      : recordAbsent(tx, messageId, lease, 'rate_limited'),
  )
}

const woken = async () => (await inTransaction(db.em, (tx) => claimDue(tx, 10)))?.map(({ due }) => due)

it('while details or a link are looked for at the gateway, page by page, the sweep leaves their unlock to the job that looks', async () => {
  for (const id of [REVEAL, LINK]) await fail(id, true)
  const begun = NOON + settleMs
  await setClock(begun)
  for (const id of [REVEAL, LINK]) {
    const claimed = await inTransaction(db.em, (tx) => claim(tx, id, DEFAULT_LEDGER_TIMING, ANY_TIME))
    expect(claimed.type).toBe('look_up')
  }
  await setClock(begun + LOOKING_MS)
  expect(await woken()).toEqual([])
})

it('while details or a link cannot be sent, the sweep leaves their unlock to the job that tries again', async () => {
  let now = NOON
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    const isUnclear = attempt % 2 === 0
    for (const id of [REVEAL, LINK]) await fail(id, isUnclear)
    now += Math.max(longestBackoffMs(attempt, PATIENT), isUnclear ? settleMs : 0)
    await setClock(now)
    expect(await woken(), `before attempt ${attempt + 1}`).toEqual([])
  }
  await setClock(now + SOON_MS)
  const due = await woken()
  expect(due).toContainEqual({ job: 'reveal', unlock_id: REVEAL })
  expect(due).toContainEqual({ job: 'create-payment-link', unlock_id: LINK })
})

it('a text that is refused while its link is being replaced leaves the next link to its job', async () => {
  const claimed = await inTransaction(db.em, (tx) => claim(tx, LINK, DEFAULT_LEDGER_TIMING, ANY_TIME))
  if (claimed.type !== 'send') throw new Error(`not claimed: ${claimed.type}`)
  // N and Y: the link is closed, and the unlock waits for another.
  await db.em.fork().execute(`update payment_links set status = 'closing' where id = 1`)
  await inTransaction(db.em, (tx) => recordRefused(tx, LINK, claimed.lease, 'refused'))
  await setClock(NOON + SOON_MS)
  expect(await woken()).toContainEqual({ job: 'create-payment-link', unlock_id: LINK })
})

it('the alert of what was just found wrong is left to its job, and woken up when Redis has lost that', async () => {
  const found = { kind: 'wrong_amount', subject: 'payment:1', summary: 'Payment 1 is 100 usd, not 2000 usd.' } as const
  const [alert] = await inTransaction(db.em, (tx) => openEscalation(tx, found))
  expect(alert?.job).toBe('alert')
  expect(await woken()).not.toContainEqual(alert)
  await setClock(NOON + SOON_MS)
  expect(await woken()).toContainEqual(alert)
})
