import { afterAll, beforeAll, expect, it } from 'vitest'
import { claimDue } from '../../src/db/due/due.ts'
import { openEscalation, resolveEscalations } from '../../src/db/escalations/escalations.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'

let database: MigratedDatabase
beforeAll(async () => {
  database = await openMigratedDatabase(2)
})
afterAll(() => database.close())

const TWO_EXPIRED = `
  insert into providers (id, name, phone) values ('provider60', 'Amy', '+13055550160'), ('provider61', 'Ben', '+13055550161');
  insert into leads (id, city, service_type, client_name, client_phone) values ('lead_abc12345', 'Miami', 'massage', '', '');
  insert into lead_unlocks (id, lead_id, provider_id, price_cents, currency, ttl_expires_at) values
    (1, 'lead_abc12345', 'provider60', 2000, 'usd', app_now() - interval '2 hours'),
    (2, 'lead_abc12345', 'provider61', 2000, 'usd', app_now() - interval '1 hour')`

it('an unlock that no job could close is a person’s, and starves none of the others', async () => {
  const { em } = database.db
  await em.fork().execute(TWO_EXPIRED)
  const dueFirst = async () => (await inTransaction(em, (tx) => claimDue(tx, 1)))?.map(({ due }) => due)
  expect(await dueFirst()).toEqual([{ job: 'expire', unlock_id: 1 }])

  const escalation = { kind: 'expire_failed', subject: 'unlock:1', unlockId: 1, summary: 'not closed' } as const
  await inTransaction(em, (tx) => openEscalation(tx, escalation))
  await em.fork().execute('update escalations set alerted_at = app_now()')
  expect(await dueFirst()).toEqual([{ job: 'expire', unlock_id: 2 }])

  await inTransaction(em, (tx) => resolveEscalations(tx, ['expire_failed'], 'unlock:1', 'mended'))
  expect(await dueFirst()).toEqual([{ job: 'expire', unlock_id: 1 }])
})
