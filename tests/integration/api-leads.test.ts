import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobName } from '../../src/queues/contract.ts'
import { AMY, BEN, type Harness, LEAD, OPERATOR_KEY, startHarness } from './api-harness.ts'

const TEASER =
  'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. Time window: Evening (6-9 PM). Budget: $150-200. ' +
  'Reply Y to unlock contact details for $20. Reply N to skip. Lead '

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const post = (body: object, headers?: Record<string, string>) => api.call('POST', '/api/leads', body, headers)
const count = async (table: string) =>
  Number((await api.rows<{ n: string }>(`select count(*) as n from ${table}`))[0]?.n)

describe('posting a lead', () => {
  it('answers the lead without its locked fields, and an unlock per provider', async () => {
    const { status, body } = await post({
      ...LEAD,
      provider_ids: [AMY.id, BEN.id],
      config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
    })
    expect(status).toBe(201)
    expect(body.lead).toEqual({
      id: expect.stringMatching(/^lead_[a-z0-9]{8}$/),
      city: LEAD.city,
      service_type: LEAD.service_type,
      preferred_time_window: LEAD.preferred_time_window,
      budget_range: LEAD.budget_range,
      notes_snippet: LEAD.notes_snippet,
      created_at: expect.any(String),
    })
    expect(body.unlocks).toEqual(
      [AMY, BEN].map(({ id }) => ({
        id: expect.any(Number),
        provider_id: id,
        status: 'NEW_LEAD',
        price_cents: 2000,
        currency: 'usd',
        ttl_expires_at: expect.any(String),
      })),
    )
    expect(body.skipped).toEqual([])
  })

  it('puts one teaser per unlock on the ledger and wakes up its sending and its expiry', async () => {
    const { body } = await post(
      { ...LEAD, provider_ids: [AMY.id], config: { ttl_hours: 0.5 } },
      { 'x-request-id': 'req-1' },
    )
    const [unlock] = body.unlocks
    const messages = await api.rows(
      'select purpose, dedupe_key, phone, body, status from outbound_messages where unlock_id = ?',
      [unlock.id],
    )
    expect(messages).toEqual([
      {
        purpose: 'teaser',
        dedupe_key: `teaser:${unlock.id}`,
        phone: AMY.phone,
        body: `${TEASER}${body.lead.id}.`,
        status: 'pending',
      },
    ])
    const mine = ({ data }: { data: Record<string, unknown> }) => data.unlock_id === unlock.id
    expect((await api.jobs('send-teaser')).filter(mine)).toEqual([
      { data: { unlock_id: unlock.id, request_id: 'req-1' }, delay: 0 },
    ])
    expect((await api.jobs('expire')).filter(mine)).toEqual([
      { data: { unlock_id: unlock.id, request_id: 'req-1' }, delay: 1_800_000 },
    ])
  })

  it.each([
    ['that was asked for', { config: { ttl_hours: 1.5 } }, 5_400],
    ['of the configuration, where none was', {}, 86_400],
  ])('takes the time to live %s, by the clock of the database', async (_which, asked, expected) => {
    const { body } = await post({ ...LEAD, provider_ids: [AMY.id], ...asked })
    const [row] = await api.rows<{ seconds: string }>(
      'select extract(epoch from ttl_expires_at - created_at) as seconds from lead_unlocks where id = ?',
      [body.unlocks[0].id],
    )
    expect(Number(row?.seconds)).toBeCloseTo(expected, 0)
  })

  it('stores the locked fields sealed', async () => {
    const { body } = await post(LEAD)
    const [row] = await api.rows<Record<string, string>>('select * from leads where id = ?', [body.lead.id])
    for (const column of ['client_name', 'client_phone', 'client_email', 'exact_address'] as const) {
      expect(row?.[column]).toMatch(/^v1\.k1\./)
      expect(JSON.stringify(row)).not.toContain(LEAD[column])
    }
  })

  it('keeps the city as it stands in texts, so that one city is one in lists and analytics', async () => {
    const cities = ['Tampa', ' Tampa ', 'Tampa\u200b', 'St.  Pete\tBeach', 'tampa']
    const posted = await Promise.all(cities.map((city) => post({ ...LEAD, city })))
    expect(posted.map(({ body }) => body.lead.city)).toEqual(['Tampa', 'Tampa', 'Tampa', 'St. Pete Beach', 'tampa'])
    expect((await api.call('GET', '/api/leads?city=Tampa')).body.leads).toHaveLength(3)
    const { body } = await api.call('GET', '/api/analytics')
    expect(body.by_city.filter(({ city }: { city: string }) => /tampa/i.test(city))).toMatchObject([
      { city: 'Tampa', leads: 3 },
      { city: 'tampa', leads: 1 },
    ])
  })

  it('without provider_ids stores the lead and offers it to nobody', async () => {
    const { status, body } = await post({ city: 'Miami', service_type: 'x', client_name: 'y', client_phone: 'call me' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ unlocks: [], skipped: [], lead: { budget_range: null, notes_snippet: null } })
  })

  it('offers to a provider named twice, or with spaces around the id, once', async () => {
    const { body } = await post({ ...LEAD, provider_ids: [AMY.id, ` ${AMY.id} `, AMY.id] })
    expect(body.unlocks).toHaveLength(1)
  })

  it('skips a provider who opted out, and says so', async () => {
    await api.rows(
      "insert into providers (id, name, phone, opted_out_at) values ('gone', 'Gil', '+13055550150', now())",
    )
    const { status, body } = await post({ ...LEAD, provider_ids: ['gone', AMY.id] })
    expect(status).toBe(201)
    expect(body.skipped).toEqual([{ provider_id: 'gone', reason: 'opted_out' }])
    expect(body.unlocks.map((unlock: { provider_id: string }) => unlock.provider_id)).toEqual([AMY.id])
  })

  it('refuses an unknown provider and stores nothing', async () => {
    const before = [await count('leads'), await count('lead_unlocks'), await count('outbound_messages')]
    const { status, body } = await post({ ...LEAD, provider_ids: [AMY.id, 'nobody'] })
    expect(status).toBe(422)
    expect(body).toMatchObject({
      type: 'urn:lead-unlock:problem:unknown-provider',
      errors: [{ field: 'provider_ids.1' }],
    })
    expect([await count('leads'), await count('lead_unlocks'), await count('outbound_messages')]).toEqual(before)
  })

  it('names an unknown provider by their place in the request, also after repeated ones', async () => {
    const { status, body } = await post({ ...LEAD, provider_ids: [AMY.id, ` ${AMY.id}`, 'nobody ', AMY.id, 'nor-me'] })
    expect(status).toBe(422)
    expect(body.errors).toEqual([
      { field: 'provider_ids.2', message: 'there is no provider nobody' },
      { field: 'provider_ids.4', message: 'there is no provider nor-me' },
    ])
  })

  it('names the provider whose name leaves no room for the teaser, which fits the others', async () => {
    await api.call('PUT', '/api/providers/long', { name: 'ж'.repeat(100), phone: '+13055550151' })
    const lead = { ...LEAD, service_type: 'x'.repeat(180) }
    const { status, body } = await post({ ...lead, provider_ids: [AMY.id, AMY.id, 'long'] })
    expect(status).toBe(422)
    expect(body.errors).toEqual([{ field: 'provider_ids.2', message: expect.stringContaining('provider long') }])
    const stored = await post({ ...lead, provider_ids: [AMY.id] })
    expect(stored.status).toBe(201)
    const sent = await api.call('POST', `/api/leads/${stored.body.lead.id}/send`, { provider_ids: ['long'] })
    expect([sent.status, sent.body.errors[0].field]).toEqual([422, 'provider_ids.0'])
  })

  it('names the longest of the contact details that were sent, where they would not fit into one SMS', async () => {
    const { exact_address: _none, ...withoutAddress } = LEAD
    const long = { client_name: 'ж'.repeat(200), client_email: `${'ж'.repeat(200)}@example.com` }
    const { status, body } = await post({ ...withoutAddress, ...long })
    expect(status).toBe(422)
    expect(body.errors).toEqual([{ field: 'client_email', message: expect.stringContaining('would not fit') }])
  })

  it.each([
    ['config.price_cents', { config: { price_cents: 1 } }],
    ['config.price_cents', { config: { price_cents: 1e300 } }],
    ['config.price_cents', { config: { currency: 'jpy' } }],
    ['config.currency', { config: { currency: 'USD' } }],
    ['config.currency', { config: { currency: 'xyz' } }],
    ['city', { city: '\u200b \u200b' }],
    ['exact_address', { exact_address: 'ж'.repeat(450) }],
    ['service_type', { service_type: 'ж'.repeat(200), preferred_time_window: 'ж'.repeat(200), provider_ids: [AMY.id] }],
    ['preferred_time_window', { service_type: 'ж'.repeat(150), preferred_time_window: 'ж'.repeat(200) }],
  ])('answers 422 naming %s for a value that cannot be accepted (%#)', async (field, change) => {
    const { status, body } = await post({ ...LEAD, ...change })
    expect(status).toBe(422)
    expect(body.errors).toEqual([{ field, message: expect.any(String) }])
  })
})

describe('sending a stored lead', () => {
  it('offers it at once to the providers who do not have it and skips the others', async () => {
    const { body: created } = await post({ ...LEAD, provider_ids: [AMY.id] })
    const url = `/api/leads/${created.lead.id}/send`
    const asked = { provider_ids: [AMY.id, BEN.id], config: { price_cents: 3000, ttl_hours: 0.5 } }
    const first = await api.call('POST', url, asked, { 'x-request-id': 'sending' })
    expect(first.status).toBe(200)
    expect(first.body.unlocks).toMatchObject([{ provider_id: BEN.id, price_cents: 3000 }])
    expect(first.body.skipped).toEqual([{ provider_id: AMY.id, reason: 'already_sent' }])
    const ofFirst = { unlock_id: first.body.unlocks[0].id, request_id: 'sending' }
    const begun = async (job: JobName) =>
      (await api.jobs(job)).filter(({ data }) => data.unlock_id === ofFirst.unlock_id)
    expect(await begun('send-teaser')).toEqual([{ data: ofFirst, delay: 0 }])
    expect(await begun('expire')).toEqual([{ data: ofFirst, delay: 1_800_000 }])
    const again = await api.call('POST', url, { provider_ids: [BEN.id] })
    expect(again.body).toEqual({ unlocks: [], skipped: [{ provider_id: BEN.id, reason: 'already_sent' }] })
  })

  it('offers it on the terms that it was posted with, where no others are named', async () => {
    const { body: created } = await post({ ...LEAD, config: { price_cents: 5000, currency: 'eur', ttl_hours: 1.5 } })
    const url = `/api/leads/${created.lead.id}/send`
    const send = (providerId: string, config?: object) => api.call('POST', url, { provider_ids: [providerId], config })
    const now = Date.now()
    const [unlock] = (await send(AMY.id)).body.unlocks
    expect(unlock).toMatchObject({ price_cents: 5000, currency: 'eur' })
    expect((Date.parse(unlock.ttl_expires_at) - now) / 3_600_000).toBeCloseTo(1.5, 0)
    const another = await send(BEN.id, { currency: 'usd' })
    expect(another.body.errors).toEqual([
      { field: 'config.price_cents', message: 'must be given with a currency other than eur' },
    ])
    expect((await send(BEN.id, { price_cents: 7000 })).body.unlocks).toMatchObject([
      { price_cents: 7000, currency: 'eur' },
    ])
  })

  it('offers a lead from before its terms were kept on the configured ones', async () => {
    const { body: created } = await post({ ...LEAD, config: { price_cents: 5000 } })
    const { id } = created.lead
    const unkept = 'offer_price_cents = null, offer_currency = null, offer_ttl_hours = null'
    await api.rows(`update leads set ${unkept} where id = ?`, [id])
    const sent = await api.call('POST', `/api/leads/${id}/send`, { provider_ids: [AMY.id] })
    expect(sent.body.unlocks).toMatchObject([{ price_cents: 2000, currency: 'usd' }])
  })

  it('offers once when two requests name the same providers at the same moment', async () => {
    const { body: created } = await post(LEAD)
    const url = `/api/leads/${created.lead.id}/send`
    const answers = await Promise.all(
      [
        [AMY.id, BEN.id],
        [BEN.id, AMY.id],
        [AMY.id, BEN.id],
        [BEN.id, AMY.id],
      ].map((provider_ids) => api.call('POST', url, { provider_ids })),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers.flatMap(({ body }) => body.unlocks)).toHaveLength(2)
    expect(
      await api.rows(
        'select 1 from outbound_messages m join lead_unlocks u on u.id = m.unlock_id where u.lead_id = ?',
        [created.lead.id],
      ),
    ).toHaveLength(2)
  })

  it.each([
    ['an unknown lead', 'lead_zzzzzzzz', { provider_ids: [AMY.id] }, 404],
    ['something that is no lead id', "lead_';--", { provider_ids: [AMY.id] }, 404],
    ['no providers', null, { provider_ids: [] }, 400],
    ['no body fields', null, {}, 400],
    ['an unknown provider', null, { provider_ids: ['nobody'] }, 422],
  ])('refuses %s', async (_case, id, body, status) => {
    const leadId = id ?? (await post(LEAD)).body.lead.id
    const answer = await api.call('POST', `/api/leads/${encodeURIComponent(leadId)}/send`, body)
    expect(answer.status).toBe(status)
    expect(answer.body.status).toBe(status)
  })
})

describe('reading a lead', () => {
  it('shows the unlocks and no locked field, unless those are asked for', async () => {
    const { body: created } = await post({ ...LEAD, provider_ids: [AMY.id] })
    for (const query of ['', '?include_locked=false']) {
      const { status, body, text } = await api.call('GET', `/api/leads/${created.lead.id}${query}`)
      expect(status).toBe(200)
      expect(body).toEqual({ lead: created.lead, unlocks: created.unlocks })
      for (const secret of [LEAD.client_name, LEAD.client_phone, LEAD.client_email, LEAD.exact_address]) {
        expect(text).not.toContain(secret)
      }
    }
  })

  it('adds the locked fields for the admin who asks, and audits that', async () => {
    const { body: created } = await post(LEAD)
    const { status, body } = await api.call('GET', `/api/leads/${created.lead.id}?include_locked=true`, undefined, {
      'x-request-id': 'audit-me',
    })
    expect(status).toBe(200)
    expect(body.lead).toEqual({
      ...created.lead,
      client_name: LEAD.client_name,
      client_phone: LEAD.client_phone,
      client_email: LEAD.client_email,
      exact_address: LEAD.exact_address,
    })
    expect(await api.rows('select key_name, action, target from audit_log where request_id = ?', ['audit-me'])).toEqual(
      [{ key_name: 'admin', action: 'lead.read_locked', target: `lead:${created.lead.id}` }],
    )
  })

  it('refuses the locked fields to the operator, and does not audit what was not shown', async () => {
    const { body: created } = await post(LEAD)
    const headers = { authorization: `Bearer ${OPERATOR_KEY}`, 'x-request-id': 'operator-tries' }
    const { status, text } = await api.call(
      'GET',
      `/api/leads/${created.lead.id}?include_locked=true`,
      undefined,
      headers,
    )
    expect(status).toBe(403)
    expect(text).not.toContain(LEAD.client_name)
    expect(await api.rows('select 1 from audit_log where request_id = ?', ['operator-tries'])).toEqual([])
    expect((await api.call('GET', `/api/leads/${created.lead.id}`, undefined, headers)).status).toBe(200)
  })

  it('does not show the locked fields when the audit log cannot be written', async () => {
    const { body: created } = await post(LEAD)
    await api.rows('alter table audit_log rename to audit_log_away')
    try {
      const { status, text } = await api.call('GET', `/api/leads/${created.lead.id}?include_locked=true`)
      expect(status).toBe(503)
      expect(text).not.toContain(LEAD.client_name)
    } finally {
      await api.rows('alter table audit_log_away rename to audit_log')
    }
  })

  it.each(['lead_zzzzzzzz', 'LEAD_ABC', '1', '%00', 'x'.repeat(200)])(
    'answers 404 or 400 for the lead %s',
    async (id) => {
      const { status, body } = await api.call('GET', `/api/leads/${id}`)
      expect(status).toBe(id === '%00' ? 400 : 404)
      expect(body.title).toEqual(expect.any(String))
    },
  )
})
