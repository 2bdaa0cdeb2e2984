import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { claimDue } from '../../src/db/due/due.ts'
import { type Claim, claim, DEFAULT_LEDGER_TIMING } from '../../src/db/ledger/claim.ts'
import { putBack, recordAbsent, recordRefused, recordUnclear } from '../../src/db/ledger/outcomes.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { longestBackoffMs } from '../../src/domain/backoff.ts'
import { jobs } from '../../src/queues/contract.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'

const ANY_TIME = { hours: null, zonesOfUnknown: [] }
const { attempts: ATTEMPTS, backoff: BACKOFF } = jobs['send-notice']
/** The sweep's own period, and what it leaves a job to begin. */
const SOON_MS = 30_000

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(2)
  db = database.db
})
beforeEach(() => db.em.fork().execute('truncate outbound_messages, escalations cascade'))
afterAll(() => database.close())

const setClock = (at: Date) =>
  db.em.fork().execute(
    `create or replace function app_now() returns timestamptz language sql stable
       as $$ select timestamptz '${at.toISOString()}' $$`,
  )

async function addMessage(): Promise<number> {
  const [row] = await db.em.fork().execute<{ id: number }[]>(
    `insert into outbound_messages (purpose, dedupe_key, phone, body) values ('help', 'help', '+13055550160', 'help')
       returning id`,
  )
  return row?.id ?? Number.NaN
}

async function claimIt(id: number): Promise<Extract<Claim, { type: 'send' | 'look_up' }>> {
  const claimed = await inTransaction(db.em, (tx) => claim(tx, id, DEFAULT_LEDGER_TIMING, ANY_TIME))
  if (claimed.type !== 'send' && claimed.type !== 'look_up') throw new Error(`not claimed: ${claimed.type}`)
  return claimed
}

const woken = async () => (await inTransaction(db.em, (tx) => claimDue(tx, 10)))?.map(({ due }) => due)

const DAY = new Date('2026-11-26T12:00:00Z')
const { settleMs } = DEFAULT_LEDGER_TIMING
/** How the gateway fails, how long it is left alone then, milliseconds, and how that is recorded. */
const outages = [
  {
    how: 'refuses to take it',
    restMs: 0,
    record: (id: number, lease: Date) => inTransaction(db.em, (tx) => recordAbsent(tx, id, lease, 'away')),
  },
  {
    how: 'does not answer',
    restMs: settleMs,
    record: (id: number, lease: Date) =>
      inTransaction(db.em, (tx) => recordUnclear(tx, id, lease, 'timeout', settleMs)),
  },
]

it.each(outages)(
  'while the gateway $how, the sweep leaves a message to its job, and wakes another soon after a retry that did not come',
  async ({ restMs, record }) => {
    await setClock(DAY)
    const id = await addMessage()
    let now = DAY.getTime()
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { lease } = await claimIt(id)
      await record(id, lease)
      now += Math.max(longestBackoffMs(attempt, BACKOFF), restMs)
      await setClock(new Date(now))
      expect(await woken(), `before attempt ${attempt + 1}`).toEqual([])
    }
    await setClock(new Date(now + SOON_MS))
    expect(await woken()).toEqual([{ job: 'send-notice', message_id: id }])
  },
)

it('a job that is lost late in an outage is woken up: it looked up and sent in each attempt, and no wake-up was in vain', async () => {
  await setClock(DAY)
  const id = await addMessage()
  let now = DAY.getTime()
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { lease } = await claimIt(id)
    await inTransaction(db.em, (tx) => recordUnclear(tx, id, lease, 'server_error', settleMs))
    now += Math.max(longestBackoffMs(attempt, BACKOFF), settleMs)
    await setClock(new Date(now))
    const lookUp = await claimIt(id)
    await inTransaction(db.em, (tx) => recordAbsent(tx, id, lookUp.lease, 'not_found_at_gateway'))
  }
  await setClock(new Date(now + longestBackoffMs(ATTEMPTS, BACKOFF) + SOON_MS))
  expect(await woken()).toEqual([{ job: 'send-notice', message_id: id }])
})

it.each([
  ['dies with it claimed', false],
  ['puts a claim back, and dies with the next', true],
])('one whose every job %s is left to a person in the end', async (_how, isPutBack) => {
  await setClock(DAY)
  const id = await addMessage()
  let now = DAY.getTime()
  let due = await woken()
  for (let death = 1; death <= 40 && !due?.some(({ job }) => job === 'alert'); death += 1) {
    const claimed = await claimIt(id)
    if (isPutBack) {
      // What its job before died with, looked up first.
      if (claimed.type === 'look_up') await inTransaction(db.em, (tx) => recordAbsent(tx, id, claimed.lease, 'absent'))
      const { lease } = claimed.type === 'look_up' ? await claimIt(id) : claimed
      await inTransaction(db.em, (tx) => putBack(tx, id, lease))
      await claimIt(id)
    }
    now += 40 * 60_000
    await setClock(new Date(now))
    due = await woken()
  }
  expect(new Set(due?.map(({ job }) => job))).toEqual(new Set(['alert']))
  expect(await db.em.fork().execute('select kind from escalations')).toEqual([{ kind: 'stuck' }])
})

it('whoever lost a claim has nothing to say any more, whatever its call came to', async () => {
  await setClock(DAY)
  const id = await addMessage()
  const late = await claimIt(id)
  await setClock(new Date(late.lease.getTime() + 1))
  const lookUp = await claimIt(id)
  expect(lookUp.type).toBe('look_up')
  await inTransaction(db.em, (tx) => recordAbsent(tx, id, lookUp.lease, 'not_found_at_gateway'))
  const current = await claimIt(id)
  expect(current.type).toBe('send')
  const row = () =>
    db.em.fork().execute('select status, lease_until, error_code, next_attempt_at from outbound_messages')
  const before = await row()

  await inTransaction(db.em, (tx) => recordAbsent(tx, id, late.lease, 'away'))
  expect(await row()).toEqual(before)
  await inTransaction(db.em, (tx) => recordUnclear(tx, id, late.lease, 'timeout', settleMs))
  expect(await row()).toEqual(before)
  expect(await inTransaction(db.em, (tx) => recordRefused(tx, id, late.lease, 'invalid_request'))).toEqual([])
  expect(await row()).toEqual(before)
  expect(await db.em.fork().execute('select 1 from escalations')).toEqual([])
})
