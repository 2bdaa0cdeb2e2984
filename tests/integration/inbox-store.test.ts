import { randomBytes } from 'node:crypto'
import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createInbox } from '../../src/db/inbox/store.ts'
import { createSealer } from '../../src/db/sealing/sealing.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'
import { until } from '../support/until.ts'

const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }])
const arrival = { raw: Buffer.from('{}'), contentType: 'application/json' }
const text = (id: string, more: { text?: string; sentAt?: Date } = {}) => ({
  id,
  phone: '+13055550160',
  text: 'a question',
  sentAt: null,
  ...more,
})

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(8)
  db = database.db
})
beforeEach(() => db.em.fork().execute('truncate webhook_inbox cascade'))
afterAll(() => database.close())

const INSERT_PLAIN = `insert into webhook_inbox (source, external_id, content_type, sealed_body)
  values ('textmagic', ?, '', '-') returning id`

/** Backends that wait for a lock. */
const waiting = async () => {
  const rows = await db.em
    .fork()
    .execute<{ pid: number }[]>(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
  return rows.map(({ pid }) => pid)
}

const kept = () =>
  db.em
    .fork()
    .execute<{ external_id: string; inserted_by: string }[]>(
      'select external_id, xmin::text as inserted_by from webhook_inbox order by id',
    )

it('keeps everything that arrives at the same time, in its order, with few transactions', async () => {
  const inbox = createInbox(db.em, sealer)
  const ids = Array.from({ length: 200 }, (_, index) => `sms-${index}`)
  const stored = await Promise.all(ids.map((id) => inbox.storeInboundSms(text(id), arrival)))

  const rows = await kept()
  expect(rows.map(({ external_id }) => external_id).sort()).toEqual([...ids].sort())
  expect(new Set(rows.map(({ inserted_by }) => inserted_by)).size).toBeLessThanOrEqual(4)
  for (const together of Map.groupBy(rows, ({ inserted_by }) => inserted_by).values()) {
    const order = together.map(({ external_id }) => ids.indexOf(external_id))
    expect(order).toEqual([...order].sort((one, other) => one - other))
  }
  expect(new Set(stored.map(({ inboxId }) => inboxId)).size).toBe(ids.length)
  expect(stored.filter(({ duplicate }) => duplicate)).toEqual([])
})

it('counts one that arrives twice at the same time once, and wakes its job for both', async () => {
  const inbox = createInbox(db.em, sealer)
  const [one, two, other] = await Promise.all([
    inbox.storeStripeEvent('evt_1', arrival, null),
    inbox.storeStripeEvent('evt_1', arrival, null),
    inbox.storeReceipt({ id: '7', status: 'd', referenceId: null, rejectReason: null, receiver: null }, arrival),
  ])
  expect([one?.duplicate, two?.duplicate, other?.duplicate]).toEqual([false, true, false])
  const due = [{ job: 'handle-payment', inbox_id: one?.inboxId }]
  expect([one?.due, two?.due]).toEqual([due, due])
  expect(await kept()).toHaveLength(2)
})

it('keeps the others when Postgres refuses one of those that arrive at the same time', async () => {
  const inbox = createInbox(db.em, sealer)
  const beyondPostgres = new Date(8.64e15)
  const outcomes = await Promise.allSettled([
    inbox.storeInboundSms(text('1'), arrival),
    inbox.storeInboundSms(text('2', { sentAt: beyondPostgres }), arrival),
    inbox.storeInboundSms(text('3'), arrival),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((await kept()).map(({ external_id }) => external_id).sort()).toEqual(['1', '3'])
})

it('keeps a text while as many others as there are lanes wait for somebody who stores the same', async () => {
  const inbox = createInbox(db.em, sealer)
  const held = ['held-1', 'held-2', 'held-3']
  const { waits } = await db.em.fork().transactional(async (tx) => {
    for (const id of held) await tx.execute(INSERT_PLAIN, [id])
    const waits: Promise<{ duplicate: boolean }>[] = []
    for (const id of held) {
      waits.push(inbox.storeInboundSms(text(id), arrival))
      await until('it to wait', async () => (await waiting()).length === waits.length)
    }
    expect((await inbox.storeInboundSms(text('free'), arrival)).duplicate).toBe(false)
    return { waits: Promise.all(waits) }
  })
  expect((await waits).map(({ duplicate }) => duplicate)).toEqual([true, true, true])
  expect(await kept()).toHaveLength(4)
})

it('keeps what was under way on a connection that is lost', async () => {
  const inbox = createInbox(db.em, sealer)
  const { stored } = await db.em.fork().transactional(async (tx) => {
    await tx.execute(INSERT_PLAIN, ['1'])
    const stored = Promise.all(['1', '2', '3'].map((id) => inbox.storeInboundSms(text(id), arrival)))
    await until('it to wait', async () => (await waiting()).length === 1)
    const [pid] = await waiting()
    await db.em.fork().execute('select pg_terminate_backend(?, 5000)', [pid])
    return { stored }
  })
  expect((await stored).map(({ duplicate }) => duplicate)).toEqual([true, false, false])
  expect((await kept()).map(({ external_id }) => external_id)).toEqual(['1', '2', '3'])
})

it('keeps large bodies that arrive at the same time, in statements that are not too large', async () => {
  const inbox = createInbox(db.em, sealer)
  const large = { ...arrival, raw: Buffer.alloc(256 * 1024, "it's \\ ") }
  const ids = Array.from({ length: 12 }, (_, index) => `evt_${index}`)
  await Promise.all(ids.map((id) => inbox.storeStripeEvent(id, large, null)))
  const rows = await kept()
  expect(rows.map(({ external_id }) => external_id)).toEqual(ids)
  expect(new Set(rows.map(({ inserted_by }) => inserted_by)).size).toBeGreaterThanOrEqual(4)
})
