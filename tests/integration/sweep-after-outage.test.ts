import { afterAll, beforeAll, expect, it } from 'vitest'
import { claimDue } from '../../src/db/due/due.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { longestBackoffMs, PATIENT } from '../../src/domain/backoff.ts'
import { jobs } from '../../src/queues/contract.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'

let database: MigratedDatabase
beforeAll(async () => {
  database = await openMigratedDatabase(1)
  await database.db.em.fork().execute(`
    insert into providers (id, name, phone) values ('provider60', 'Amy', '+13055550160');
    insert into leads (id, city, service_type, client_name, client_phone) values ('lead_abc12345', 'Miami', 'massage', '', '');
    insert into lead_unlocks (id, lead_id, provider_id, price_cents, currency, ttl_expires_at, status) values
      (1, 'lead_abc12345', 'provider60', 2000, 'usd', app_now() + interval '2 hours', 'CHECK_EXISTING_PAYMENT')`)
})
afterAll(() => database.close())

/** Seconds until the sweep looks again at a link that is due, once it has woken it up so many times. */
async function putOffAfter(wakeUps: number): Promise<number> {
  const em = database.db.em.fork()
  await em.execute('update lead_unlocks set attempts = ?, next_attempt_at = app_now()', [wakeUps - 1])
  await inTransaction(database.db.em, (tx) => claimDue(tx, 10))
  const [row] = await em.execute<{ seconds: string }[]>(
    'select extract(epoch from next_attempt_at - app_now()) as seconds from lead_unlocks',
  )
  return Number(row?.seconds)
}

it('what Redis lost while a gateway was away is woken up about when its job would have tried, not half an hour later', async () => {
  const { attempts } = jobs['create-payment-link']
  const longestPause = longestBackoffMs(attempts, PATIENT) / 1000
  for (let wakeUps = 1; wakeUps <= attempts; wakeUps += 1)
    expect(await putOffAfter(wakeUps)).toBeLessThan(longestPause + 30)
})

it('a row that all attempts of a job have not brought forward is woken up twice an hour', async () => {
  const { attempts } = jobs['create-payment-link']
  expect(await putOffAfter(attempts + 1)).toBeGreaterThan(1800)
})

it('a row that no wake-up has brought forward is a person’s, who is told which unlock it is about', async () => {
  expect(await putOffAfter(26)).toBeGreaterThan(1_000_000)
  const escalations = await database.db.em.fork().execute('select kind, subject, unlock_id from escalations')
  expect(escalations).toEqual([{ kind: 'stuck', subject: 'lead_unlocks:1', unlock_id: 1 }])
})
