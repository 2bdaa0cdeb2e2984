import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { recordDispute } from '../../src/db/payments/disputes.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

let database: TestDatabase
let db: MikroORM

beforeAll(async () => {
  database = await createTestDatabase()
  db = await openDatabase({ url: database.url, poolSize: 2 })
  await db.migrator.up({ to: '0012-answered-at' })
  for (const [intent, status] of [
    ['open', 'needs_response'],
    ['one_of_two', 'needs_response'],
    ['asked', 'warning_needs_response'],
    ['won', 'closed: won'],
    ['lost', 'closed: lost'],
  ])
    await paidBefore(`pi_${intent}`, status)
  await db.migrator.up()
  // By a worker of the version before, which was at work until the new ones were.
  for (const intent of ['told_meanwhile', 'one_of_two_meanwhile']) await paidBefore(`pi_${intent}`, 'needs_response')
})
afterAll(async () => {
  await db.close(true)
  await database.drop()
})

/** A payment as a version before the upgrade left it. */
async function paidBefore(intent: string, disputeStatus: string | undefined): Promise<void> {
  await db.em.fork().execute(
    `with payment as (
       insert into payments (checkout_session_id, payment_intent_id, amount_cents, currency, status, dispute_status)
       values (?, ?, 2000, 'usd', 'held', ?) returning id, dispute_status)
     insert into escalations (kind, subject, summary)
       select 'dispute', 'payment:' || id, 'disputed' from payment where dispute_status not like 'closed%'`,
    [`cs_${intent}`, intent, disputeStatus],
  )
}

const tell = (paymentIntentId: string, disputeId: string, status: string, closed = true) =>
  db.em.fork().transactional((tx) => recordDispute(tx, { disputeId, paymentIntentId, status, closed }))

/** What the payment says of its disputes, and how many people are still called. */
async function standing(intent: string): Promise<{ status: string; open: number } | undefined> {
  const [row] = await db.em.fork().execute<{ status: string; open: number }[]>(
    `select dispute_status as status, (select count(*)::integer from escalations e
       where e.resolved_at is null and (e.subject = 'payment:' || p.id or e.subject in
         (select 'dispute:' || dispute_id from payment_disputes where payment_id = p.id))) as open
     from payments p where payment_intent_id = ?`,
    [intent],
  )
  return row
}

it('a dispute that was opened before the upgrade is resolved when it is closed after it', async () => {
  expect(await standing('pi_open')).toEqual({ status: 'needs_response', open: 1 })
  await tell('pi_open', 'dp_1', 'lost')
  expect(await standing('pi_open')).toEqual({ status: 'closed: lost', open: 0 })
})

it('a dispute that was opened before the upgrade stays open when one that was opened after it is closed', async () => {
  await tell('pi_one_of_two', 'dp_4', 'under_review', false)
  expect(await standing('pi_one_of_two')).toEqual({ status: 'under_review', open: 2 })
  await tell('pi_one_of_two', 'dp_4', 'won')
  expect(await standing('pi_one_of_two')).toEqual({ status: 'needs_response', open: 1 })
  await tell('pi_one_of_two', 'dp_3', 'won')
  expect(await standing('pi_one_of_two')).toEqual({ status: 'closed: won', open: 0 })
})

it('a dispute that a worker of the version before was told of after the migration is resolved when it is closed', async () => {
  await tell('pi_told_meanwhile', 'dp_8', 'won')
  expect(await standing('pi_told_meanwhile')).toEqual({ status: 'closed: won', open: 0 })
})

it('such a dispute stays open when one that was opened after it is closed', async () => {
  await tell('pi_one_of_two_meanwhile', 'dp_10', 'under_review', false)
  expect(await standing('pi_one_of_two_meanwhile')).toEqual({ status: 'under_review', open: 2 })
  await tell('pi_one_of_two_meanwhile', 'dp_10', 'won')
  expect(await standing('pi_one_of_two_meanwhile')).toEqual({ status: 'needs_response', open: 1 })
})

it('an inquiry of before the upgrade that becomes a chargeback after it is the same dispute', async () => {
  await tell('pi_asked', 'dp_7', 'needs_response', false)
  expect(await standing('pi_asked')).toEqual({ status: 'needs_response', open: 1 })
  await tell('pi_asked', 'dp_7', 'won')
  expect(await standing('pi_asked')).toEqual({ status: 'closed: won', open: 0 })
})

it('a dispute after one that was won before the upgrade calls a person', async () => {
  await tell('pi_won', 'dp_5', 'needs_response', false)
  expect(await standing('pi_won')).toEqual({ status: 'needs_response', open: 1 })
})

it('money that a dispute took before the upgrade stays gone', async () => {
  expect(await standing('pi_lost')).toEqual({ status: 'closed: lost', open: 0 })
  await tell('pi_lost', 'dp_6', 'won')
  expect(await standing('pi_lost')).toEqual({ status: 'closed: lost', open: 0 })
})
