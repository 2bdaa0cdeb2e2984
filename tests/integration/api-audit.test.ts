import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documented } from './api-document.ts'
import { ADMIN_KEY, type Answer, BEN, type Harness, LEAD, OPERATOR_KEY, startHarness } from './api-harness.ts'
import { walk } from './api-pages.ts'

let api: Harness
let lead: string
beforeAll(async () => {
  api = await startHarness()
  lead = (await api.call('POST', '/api/leads', LEAD)).body.lead.id
})
afterAll(() => api.close())

const entries = (requestId: string) =>
  api.rows('select key_name, role, action, target from audit_log where request_id = ? order by id', [requestId])

/** A new unlock of Ben's in this status. */
async function unlock(status: string): Promise<number> {
  const { body } = await api.call('POST', '/api/leads', { ...LEAD, provider_ids: [BEN.id] })
  const id = body.unlocks[0].id
  await api.rows('update lead_unlocks set status = ? where id = ?', [status, id])
  return id
}

async function payment(): Promise<number> {
  const id = await unlock('DONE')
  await api.rows(
    `insert into payments (unlock_id, checkout_session_id, amount_cents, currency, status)
     values (?, ?, 2000, 'usd', 'kept')`,
    [id, `cs_${id}`],
  )
  return id
}

async function escalation(): Promise<number> {
  const [row] = await api.rows<{ id: number }>(
    `insert into escalations (kind, subject, summary) values ('stuck', 'test:' || gen_random_uuid(), 'x') returning id`,
  )
  return row?.id ?? 0
}

type Change = { url: string; body?: unknown; csv?: string; action: string; target: string | RegExp; by?: 'admin' }
type Example = () => Promise<Change>

const operation = (name: string, make: () => Promise<number>): Example => {
  return async () => {
    const id = await make()
    return { url: `/api/unlocks/${id}/${name}`, action: `unlock.${name}`, target: `unlock:${id}` }
  }
}

/** One call of each route that changes something, and the entry it leaves. */
const CHANGES: Record<string, Example> = {
  'POST /api/leads': async () => ({
    url: '/api/leads',
    body: LEAD,
    action: 'lead.create',
    target: /^lead:lead_\w{8}$/,
  }),
  'POST /api/leads/{id}/send': async () => {
    const body = { provider_ids: [BEN.id] }
    return { url: `/api/leads/${lead}/send`, body, action: 'lead.send', target: `lead:${lead}` }
  },
  'DELETE /api/leads/{id}/contact': async () => {
    const { id } = (await api.call('POST', '/api/leads', LEAD)).body.lead
    return { url: `/api/leads/${id}/contact`, action: 'lead.erase_contact', target: `lead:${id}`, by: 'admin' }
  },
  'PUT /api/providers/{id}': async () => {
    const body = { name: 'Dana', phone: '+13055550170' }
    return { url: '/api/providers/provider70', body, action: 'provider.put', target: 'provider:provider70' }
  },
  'POST /api/providers/import': async () => {
    const csv = 'id,name,phone\nprovider72,Fay,+13055550172'
    const target = 'providers: 1 created, 0 updated'
    return { url: '/api/providers/import', csv, action: 'provider.import', target }
  },
  'POST /api/unlocks/{id}/retry-reveal': operation('retry-reveal', payment),
  'POST /api/unlocks/{id}/resend-link': operation('resend-link', () => unlock('CREATE_PAYMENT_LINK')),
  'POST /api/unlocks/{id}/expire': operation('expire', () => unlock('AWAIT_CONFIRM')),
  'POST /api/unlocks/{id}/refund': operation('refund', payment),
  'POST /api/escalations/{id}/resolve': async () => {
    const id = await escalation()
    return { url: `/api/escalations/${id}/resolve`, action: 'escalation.resolve', target: `escalation:${id}` }
  },
}

describe('every route under /api that changes something', () => {
  it('has an example here', () => {
    const changing = documented(api).filter(({ method, path }) => path.startsWith('/api/') && method !== 'GET')
    expect(Object.keys(CHANGES).sort()).toEqual(changing.map(({ method, path }) => `${method} ${path}`).sort())
  })

  it.each(Object.entries(CHANGES))(
    '%s leaves one entry: key, role, action, target and request',
    async (route, make) => {
      const { url, body, csv, action, target, by = 'operator' } = await make()
      const id = `audit-${route.replaceAll(/[^A-Za-z]/g, '-')}`
      const method = (['PUT', 'DELETE'] as const).find((one) => route.startsWith(one)) ?? 'POST'
      const authorization = `Bearer ${by === 'admin' ? ADMIN_KEY : OPERATOR_KEY}`
      const headers = { authorization, 'x-request-id': id }
      const { status } = await (csv === undefined
        ? api.call(method, url, body, headers)
        : api.inject({ method, url, headers: { ...headers, 'content-type': 'text/csv' }, payload: csv }))
      expect([route, Math.floor(status / 100)]).toEqual([route, 2])
      expect(await entries(id)).toEqual([
        {
          key_name: by,
          role: by,
          action,
          target: target instanceof RegExp ? expect.stringMatching(target) : target,
        },
      ])
    },
  )
})

describe('no entry is left', () => {
  const send = (id: string, method: 'POST' | 'PUT', url: string, body?: unknown, headers = {}): Promise<Answer> =>
    api.call(method, url, body, { ...headers, 'x-request-id': id })

  it('by what was refused', async () => {
    const refused = [
      await send('refused', 'POST', '/api/leads', { ...LEAD, provider_ids: ['nobody'] }),
      await send('refused', 'POST', `/api/leads/${lead}/send`, { provider_ids: ['nobody'] }),
      await send('refused', 'PUT', '/api/providers/provider71', { name: 'Eve', phone: BEN.phone }),
      await send('refused', 'POST', `/api/unlocks/${await unlock('NEW_LEAD')}/refund`),
      await send('refused', 'POST', '/api/escalations/999999/resolve'),
    ]
    expect(refused.map(({ status }) => status)).toEqual([422, 422, 409, 409, 404])
    expect(await entries('refused')).toEqual([])
  })

  it('by a lead that is only answered again for its idempotency key', async () => {
    const again = () => send('replayed', 'POST', '/api/leads', LEAD, { 'idempotency-key': 'audited-once' })
    expect([(await again()).status, (await again()).status]).toEqual([201, 201])
    expect(await entries('replayed')).toHaveLength(1)
  })
})

it.each([
  "update audit_log set key_name = 'nobody'",
  'delete from audit_log',
  'delete from audit_log where false',
  'truncate audit_log',
  "set session_replication_role = replica; update audit_log set key_name = 'nobody'",
])('the database refuses to rewrite the log: %s', async (sql) => {
  const before = await api.rows('select count(*), max(id) from audit_log')
  await expect(api.rows(sql)).rejects.toThrow('the audit log is append-only')
  expect(await api.rows('select count(*), max(id) from audit_log')).toEqual(before)
})

describe('GET /api/audit', () => {
  const ids = (query: Record<string, string>) => walk(api, '/api/audit', 'entries', query)

  it('lists entries newest first, in pages that stay as they are while new ones arrive', async () => {
    const known = (await api.rows<{ id: string }>('select id from audit_log order by id desc')).map(({ id }) =>
      Number(id),
    )
    const seen = await walk(api, '/api/audit', 'entries', { limit: '3' }, () => api.call('POST', '/api/leads', LEAD))
    expect(seen).toEqual(known)
  })

  it('is filtered by key, action, target and period', async () => {
    const requests = ['filter-1', 'filter-2']
    for (const id of requests) {
      await api.call('GET', `/api/leads/${lead}?include_locked=true`, undefined, { 'x-request-id': id })
    }
    const own = await ids({ action: 'lead.read_locked', target: `lead:${lead}`, key_name: 'admin' })
    expect(own).toHaveLength(2)
    expect(await ids({ action: 'lead.read_locked', key_name: 'operator' })).toEqual([])
    expect(await ids({ target: 'lead:lead_zzzzzzzz' })).toEqual([])
    const [newest] = (await api.call('GET', '/api/audit?action=lead.read_locked&limit=1')).body.entries
    expect(newest).toMatchObject({ key_name: 'admin', role: 'admin', target: `lead:${lead}`, request_id: 'filter-2' })
    expect(await ids({ action: 'lead.read_locked', from: newest.at })).toContain(newest.id)
    expect(await ids({ action: 'lead.read_locked', to: newest.at })).not.toContain(newest.id)
    expect(await ids({ from: '2100-01-01T00:00:00Z' })).toEqual([])
  })

  it.each(['from=yesterday', 'to=0000-01-01T00:00:00Z', 'key_name=', 'cursor=x', 'who=admin', 'limit=0'])(
    'refuses %s',
    async (query) => {
      const { status, body } = await api.call('GET', `/api/audit?${query}`)
      expect([status, body.errors?.[0]?.field]).toEqual([400, query.split('=')[0]])
    },
  )
})
