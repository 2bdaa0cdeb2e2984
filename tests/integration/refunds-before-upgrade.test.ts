import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { recordRefundStatus, recordRefundsShown } from '../../src/db/payments/refunds.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import type { RefundStatus } from '../../src/domain/refunds.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

let database: TestDatabase
let db: MikroORM

beforeAll(async () => {
  database = await createTestDatabase()
  db = await openDatabase({ url: database.url, poolSize: 2 })
  await db.migrator.up({ to: '0008-unrecorded-links' })
  await paidBefore('pi_whole', 'refunded', 2000)
  await paidBefore('pi_two_parts', 'refunded', 2000)
  await paidBefore('pi_shown', 'refunded', 2000)
  await paidBefore('pi_kept', 'kept', 800)
  await paidBefore('pi_late', 'refunded', 2000)
  await db.migrator.up()
  // By a worker of the version before, which was at work until the new ones were.
  await paidBefore('pi_meanwhile', 'refunded', 2000, 're_meanwhile')
})
afterAll(async () => {
  await db.close(true)
  await database.drop()
})

/** A payment as a version before the upgrade left it: without a refund's id where people gave it back in parts. */
async function paidBefore(intent: string, status: string, refundedCents: number, refundId?: string): Promise<void> {
  await db.em.fork().execute(
    `insert into payments (checkout_session_id, payment_intent_id, amount_cents, currency, status, refunded_cents, refund_id)
     values (?, ?, 2000, 'usd', ?, ?, ?)`,
    [`cs_${intent}`, intent, status, refundedCents, refundId ?? null],
  )
}

const tell = (paymentIntentId: string, refundId: string, amountCents: number, status: RefundStatus) =>
  db.em.fork().transactional((tx) => recordRefundStatus(tx, { paymentIntentId, refundId, amountCents, status }))

/** What a payment says of its refunds, and how many people are called about it. */
async function standing(intent: string): Promise<{ status: string; cents: number; open: number } | undefined> {
  const [row] = await db.em.fork().execute<{ status: string; cents: number; open: number }[]>(
    `select status, refunded_cents as cents, (select count(*)::integer from escalations
       where kind = 'refund_failed' and subject = 'payment:' || p.id and resolved_at is null) as open
     from payments p where payment_intent_id = ?`,
    [intent],
  )
  return row
}

it.each(['pi_whole', 'pi_meanwhile'])(
  'a refund of before the upgrade that fails after it calls a person (%s)',
  async (intent) => {
    await tell(intent, intent.replace('pi_', 're_'), 2000, 'failed')
    expect(await standing(intent)).toEqual({ status: 'refund_failed', cents: 0, open: 1 })
  },
)

it('of money that went back in parts before the upgrade, the part that fails after it is with us', async () => {
  await tell('pi_two_parts', 're_2', 1500, 'succeeded')
  expect(await standing('pi_two_parts')).toEqual({ status: 'refunded', cents: 2000, open: 0 })
  await tell('pi_two_parts', 're_1', 500, 'failed')
  expect(await standing('pi_two_parts')).toEqual({ status: 'refund_failed', cents: 1500, open: 1 })
  await tell('pi_two_parts', 're_3', 500, 'succeeded')
  expect(await standing('pi_two_parts')).toEqual({ status: 'refunded', cents: 2000, open: 0 })
})

it('the same where Stripe shows all of its refunds', async () => {
  await db.em.fork().transactional((tx) =>
    recordRefundsShown(tx, 'pi_shown', [
      { refundId: 're_4', amountCents: 500, status: 'succeeded' },
      { refundId: 're_5', amountCents: 1500, status: 'failed' },
    ]),
  )
  expect(await standing('pi_shown')).toEqual({ status: 'refund_failed', cents: 500, open: 1 })
})

it('of a payment that is kept, the parts that stand count when another of before the upgrade fails', async () => {
  await tell('pi_kept', 're_6', 300, 'failed')
  expect(await standing('pi_kept')).toEqual({ status: 'kept', cents: 500, open: 0 })
})

it('a late word of the success of a refund of before the upgrade changes nothing', async () => {
  await tell('pi_late', 're_7', 2000, 'succeeded')
  expect(await standing('pi_late')).toEqual({ status: 'refunded', cents: 2000, open: 0 })
})
