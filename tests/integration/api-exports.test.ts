import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { ADMIN_KEY, AMY, BEN, type Harness, LEAD, startHarness } from './api-harness.ts'
import { walk } from './api-pages.ts'

let api: Harness
let address: string
beforeAll(async () => {
  api = await startHarness()
  address = await api.app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => api.close())

type Row = Record<string, string>
const rowsOf = (text: string): Row[] => parse(text, { columns: true, record_delimiter: '\r\n' })
const exported = async (path: string, query: Record<string, string> = {}) => {
  const { status, text } = await api.call('GET', `${path}?${new URLSearchParams(query)}`)
  expect(status).toBe(200)
  return rowsOf(text)
}
const offer = async (change: object = {}) => {
  const { body } = await api.call('POST', '/api/leads', { ...LEAD, provider_ids: [AMY.id], ...change })
  return { lead: String(body.lead.id), unlock: Number(body.unlocks[0].id) }
}
let sessions = 0
const pay = async (unlock: number | null, change: Record<string, string | number> = {}) => {
  sessions += 1
  const row = { amount_cents: 2000, currency: 'usd', status: 'kept', refunded_cents: 0, ...change }
  const [{ id } = { id: 0 }] = await api.rows<{ id: number }>(
    `insert into payments (unlock_id, checkout_session_id, amount_cents, currency, status, refunded_cents)
     values (?, ?, ?, ?, ?, ?) returning id`,
    [unlock, `cs_${sessions}`, row.amount_cents, row.currency, row.status, row.refunded_cents],
  )
  return id
}

describe('an export of unlocks', () => {
  it('is a CSV file with money both ways and times in UTC', async () => {
    const { lead, unlock } = await offer({ city: 'Zürich, "Altstadt"', config: { price_cents: 1999, currency: 'eur' } })
    await api.rows(
      `update lead_unlocks set created_at = '2026-01-02 03:04:05.678+02', ttl_expires_at = '2026-01-03 00:00:00+00',
         status = 'EXPIRED', closed_reason = 'ttl' where id = ?`,
      [unlock],
    )
    const { headers, text } = await api.call('GET', `/api/unlocks/export?lead_id=${lead}`)
    expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
    expect(headers['content-disposition']).toBe('attachment; filename="unlocks.csv"')
    expect(rowsOf(text)).toEqual([
      {
        id: String(unlock),
        lead_id: lead,
        city: 'Zürich, "Altstadt"',
        service_type: LEAD.service_type,
        provider_id: AMY.id,
        status: 'EXPIRED',
        closed_reason: 'ttl',
        price_cents: '1999',
        price: '19.99',
        currency: 'eur',
        created_at: '2026-01-02T01:04:05.678Z',
        ttl_expires_at: '2026-01-03T00:00:00.000Z',
        teaser_sent_at: '',
        paid_at: '',
        unlocked_at: '',
        payment_link_id: '',
        checkout_session_id: '',
        payment_intent_id: '',
      },
    ])
    for (const field of ['client_name', 'client_phone', 'client_email', 'exact_address', 'notes_snippet'] as const) {
      expect(text).not.toContain(LEAD[field])
    }
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '＝1+1'])('holds no formula: a city called %s', async (city) => {
    const { lead } = await offer({ city })
    expect((await exported('/api/unlocks/export', { lead_id: lead }))[0]?.city).toBe(`'${city}`)
  })

  it('holds what the listing holds, in its order, over many batches and with rows made in the same moment', async () => {
    const { lead } = await offer({ provider_ids: [BEN.id] })
    await api.rows(
      `with many as (insert into providers (id, name, phone)
         select 'exp-' || n, 'E', '+1415' || (2000000 + n) from generate_series(1, 1201) n returning id)
       insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at, created_at)
       select ?, id, 2000, 'usd', app_now(), '2026-01-02T03:04:05.678901Z' from many`,
      [lead],
    )
    const ids = (await exported('/api/unlocks/export', { lead_id: lead })).map(({ id }) => Number(id))
    expect(ids).toEqual(await walk(api, '/api/unlocks', 'unlocks', { lead_id: lead, limit: '200' }))
    expect(new Set(ids).size).toBe(1202)
    expect(await exported('/api/unlocks/export', { lead_id: lead, provider_id: BEN.id })).toHaveLength(1)
    expect(await exported('/api/unlocks/export', { lead_id: lead, created_from: '2026-02-01T00:00:00Z' })).toHaveLength(
      1,
    )
    expect(await exported('/api/unlocks/export', { lead_id: lead, status: 'DONE' })).toEqual([])
  })
})

describe('payments', () => {
  it('are listed, newest first, by unlock, lead, provider, status and time, in pages that stay as they are', async () => {
    const one = await offer()
    const other = await offer({ provider_ids: [BEN.id] })
    const mine = [
      await pay(one.unlock),
      await pay(one.unlock, { status: 'refunded' }),
      await pay(other.unlock),
    ].reverse()
    const unknown = await pay(null, { status: 'held' })
    const listed = (query: Record<string, string>, between?: () => Promise<unknown>) =>
      walk(api, '/api/payments', 'payments', { limit: '1', ...query }, between)
    expect((await listed({}, () => pay(null, { status: 'held' }))).slice(0, 4)).toEqual([unknown, ...mine])
    expect(await listed({ unlock_id: String(one.unlock) })).toEqual([mine[1], mine[2]])
    expect(await listed({ lead_id: other.lead })).toEqual([mine[0]])
    expect(await listed({ lead_id: one.lead, status: 'kept' })).toEqual([mine[2]])
    expect(await listed({ provider_id: ` ${BEN.id} `, lead_id: other.lead })).toEqual([mine[0]])
    expect(await listed({ lead_id: one.lead, created_to: '2020-01-01T00:00:00Z' })).toEqual([])
    const { body } = await api.call('GET', `/api/payments?unlock_id=${one.unlock}&limit=1`)
    expect(body.payments).toMatchObject([{ unlock_id: one.unlock, status: 'refunded', amount_cents: 2000 }])
  })

  it('are exported with the amounts of their currency, those that belong to no unlock as well', async () => {
    const { unlock, lead } = await offer({ city: 'Osaka' })
    const yen = await pay(unlock, { currency: 'jpy', amount_cents: 500 })
    const dinar = await pay(null, { currency: 'kwd', amount_cents: 5120, refunded_cents: 70, status: 'held' })
    const found = await exported('/api/payments/export')
    expect(found.find(({ id }) => id === String(yen))).toMatchObject({
      unlock_id: String(unlock),
      lead_id: lead,
      city: 'Osaka',
      provider_id: AMY.id,
      amount_cents: '500',
      amount: '500',
      refunded: '0',
    })
    expect(found.find(({ id }) => id === String(dinar))).toMatchObject({
      unlock_id: '',
      city: '',
      amount: '5.120',
      refunded: '0.070',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
    expect((await exported('/api/payments/export', { lead_id: lead })).map(({ id }) => id)).toEqual([String(yen)])
  })

  it.each([
    ['status', 'status=paid'],
    ['unlock_id', 'unlock_id=0'],
    ['created_from', 'created_from=yesterday'],
    ['limit', 'limit=0'],
  ])('with a malformed %s (%s) are refused', async (field, query) => {
    const { status, body } = await api.call('GET', `/api/payments?${query}`)
    expect([status, body.errors[0].field]).toEqual([400, field])
  })
})

describe('an export', () => {
  it.each(['unlock', 'payment'])('of %ss is audited', async (what) => {
    await api.call('GET', `/api/${what}s/export`, undefined, { 'x-request-id': `export-${what}` })
    expect(
      await api.rows('select key_name, action, target from audit_log where request_id = ?', [`export-${what}`]),
    ).toEqual([{ key_name: 'admin', action: `${what}.export`, target: `${what}s` }])
  })

  it.each(['unlock', 'payment'])('of %ss is not made for a HEAD, nor noted', async (what) => {
    const { statusCode, headers, body } = await api.app.inject({
      method: 'HEAD',
      url: `/api/${what}s/export`,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'x-request-id': `head-${what}` },
    })
    expect([statusCode, headers['content-type'], body]).toEqual([200, 'text/csv; charset=utf-8; header=present', ''])
    expect(await api.rows('select action from audit_log where request_id = ?', [`head-${what}`])).toEqual([])
  })

  it('with a malformed filter is refused before it begins', async () => {
    const { status, headers } = await api.call('GET', '/api/unlocks/export?status=PAYED')
    expect([status, headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8'])
    expect((await api.call('GET', '/api/unlocks/export?limit=5')).status).toBe(400)
  })

  let begun = 0
  /** Begins to read an export that is larger than what fits between here and there. */
  const begin = async () => {
    begun += 1
    await api.rows(
      `with lead as (insert into leads (id, city, service_type, client_name, client_phone)
         select 'lead_' || substr(md5(random()::text), 1, 8), repeat('long ', 4000), 'x', 'x', 'x' returning id),
       many as (insert into providers (id, name, phone)
         select 'big-' || gen_random_uuid(), 'B', '+1' || (2000000000 + 3000 * ? + n)
         from generate_series(1, 3000) n returning id)
       insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at)
       select lead.id, many.id, 2000, 'usd', app_now() from lead, many`,
      [begun],
    )
    const sent = httpRequest(`${address}/api/unlocks/export`, {
      agent: false,
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    await once(response, 'readable')
    return response
  }
  it('whose reader goes away ends there, and holds no connection', async () => {
    const response = await begin()
    response.destroy()
    await until('the end of the connection', async () => (await connections()) === 0)
    await until('a database that does nothing', async () => (await busy()) === 0)
  })

  it('that fails on its way is cut off, so that nobody takes a part for the whole', async () => {
    const response = await begin()
    await api.rows('alter table leads rename column city to town')
    try {
      response.resume()
      const [error] = await once(response, 'error')
      expect(error).toMatchObject({ code: 'ECONNRESET' })
      expect(response.complete).toBe(false)
    } finally {
      await api.rows('alter table leads rename column town to city')
    }
    expect(await exported('/api/unlocks/export', { lead_id: 'lead_none' })).toEqual([])
  })
})

const connections = () =>
  new Promise<number>((resolve, reject) => {
    api.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
const busy = async () => {
  const [row] = await api.rows<{ sessions: number }>(
    `select count(*)::int as sessions from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
  )
  return row?.sessions
}
