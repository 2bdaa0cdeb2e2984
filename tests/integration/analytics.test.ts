import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createTestDatabase } from '../support/stores.ts'
import { FROM, store, TO } from './analytics-stories.ts'
import { type Harness, startHarness } from './api-harness.ts'

const PROVIDERS = ['story-1', 'story-2', 'story-3']
const ADD_PROVIDERS = `insert into providers (id, name, phone)
  select 'story-' || n, 'P', '+1305555020' || n from generate_series(1, 3) n`

let api: Harness
beforeAll(async () => {
  api = await startHarness()
  await api.rows(ADD_PROVIDERS)
  await store((sql, values) => api.rows(sql, values), PROVIDERS)
})
afterAll(() => api.close())

const ask = async (from: string | null, to: string | null) => {
  const query = new URLSearchParams({ ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) })
  const { status, body } = await api.call('GET', `/api/analytics?${query}`)
  expect(status).toBe(200)
  return body
}

/** Response times in order. Miami: 0 30 45 60 120 240 600. Berlin: 1800 3600 7200. */
const MIAMI = {
  leads: 10,
  conversion: { teasers: 8, paid: 5, rate: 0.625 },
  response_times: { replies: 7, p50_seconds: 60, p90_seconds: 600 },
  payment_success: { links_sent: 5, paid: 4, rate: 0.8 },
  revenue: [{ currency: 'usd', payments: 4, kept_cents: 8000, per_lead_cents: 800 }],
}
const BERLIN = {
  leads: 2,
  conversion: { teasers: 4, paid: 2, rate: 0.5 },
  response_times: { replies: 3, p50_seconds: 3600, p90_seconds: 7200 },
  payment_success: { links_sent: 3, paid: 2, rate: 0.6667 },
  revenue: [{ currency: 'eur', payments: 1, kept_cents: 1500, per_lead_cents: 750 }],
}
const NOTHING = {
  leads: 0,
  conversion: { teasers: 0, paid: 0, rate: null },
  response_times: { replies: 0, p50_seconds: null, p90_seconds: null },
  payment_success: { links_sent: 0, paid: 0, rate: null },
  revenue: [],
}

it('figures of a period are those worked out by hand from its timelines', async () => {
  expect(await ask(FROM, TO)).toEqual({
    period: { from: FROM, to: TO },
    totals: {
      leads: 13,
      conversion: { teasers: 12, paid: 7, rate: 0.5833 },
      response_times: { replies: 10, p50_seconds: 120, p90_seconds: 3600 },
      payment_success: { links_sent: 8, paid: 6, rate: 0.75 },
      revenue: [
        { currency: 'eur', payments: 1, kept_cents: 1500, per_lead_cents: 115.38 },
        { currency: 'usd', payments: 4, kept_cents: 8000, per_lead_cents: 615.38 },
      ],
    },
    by_city: [
      { city: 'Miami', ...MIAMI },
      { city: 'Berlin', ...BERLIN },
      { city: 'Osaka', ...NOTHING, leads: 1 },
    ],
    cities: 3,
  })
})

it('figures of two periods side by side come to those of both together', async () => {
  const middle = '2026-03-01T12:00:00.001Z'
  const [first, second, both] = [await ask(FROM, middle), await ask(middle, TO), await ask(FROM, TO)]
  for (const count of [
    (body: typeof both) => body.totals.leads,
    (body: typeof both) => body.totals.conversion.teasers,
    (body: typeof both) => body.totals.response_times.replies,
    (body: typeof both) => body.totals.payment_success.links_sent,
  ]) {
    expect(count(first) + count(second)).toBe(count(both))
    expect(count(first) * count(second)).toBeGreaterThan(0)
  }
})

it('without bounds every lead counts', async () => {
  const { period, totals } = await ask(null, null)
  expect(period).toEqual({ from: null, to: null })
  expect([totals.leads, totals.conversion.paid]).toEqual([15, 9])
  expect((await ask(TO, null)).totals).toMatchObject({ leads: 1, conversion: { teasers: 1, paid: 1, rate: 1 } })
  expect((await ask(null, FROM)).totals).toMatchObject({ leads: 1, revenue: [{ kept_cents: 2000 }] })
})

it('a period without leads divides by nothing', async () => {
  expect(await ask(TO, TO)).toEqual({ period: { from: TO, to: TO }, totals: NOTHING, by_city: [], cities: 0 })
})

it.each([
  ['to', `from=${TO}&to=${FROM}`],
  ['from', 'from=yesterday'],
  ['to', 'to=2026-03'],
  ['city', 'city=Miami'],
])('a malformed %s (%s) is refused', async (field, query) => {
  const { status, body } = await api.call('GET', `/api/analytics?${query}`)
  expect([status, body.errors.map((error: { field: string }) => error.field)]).toEqual([400, [field]])
})

it('what happened before the migration counts like what happens after it', async () => {
  const database = await createTestDatabase()
  const older = await openDatabase({ url: database.url, poolSize: 2 })
  try {
    await older.migrator.up({ to: '0004-api-keys' })
    const rows = <T extends object>(sql: string, values: unknown[] = []): Promise<T[]> =>
      older.em.fork().execute(sql, values)
    await rows(ADD_PROVIDERS)
    await store(rows, PROVIDERS)
    await older.migrator.up()
    for (const facts of [
      'select unlock_id, posted_at, city, moments, response_ms from unlock_facts order by unlock_id',
      'select id, lead_posted_at, lead_city from payments order by id',
    ]) {
      const found = await rows(facts)
      expect(found.length).toBeGreaterThan(0)
      expect(found).toEqual(await api.rows(facts))
    }
  } finally {
    await older.close(true)
    await database.drop()
  }
})
