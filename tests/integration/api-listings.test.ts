import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, AMY, type Harness, LEAD, OPERATOR_KEY, startHarness } from './api-harness.ts'
import { walk as pages } from './api-pages.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const walk = (path: string, name: string, query: Record<string, string> = {}, between?: () => Promise<unknown>) =>
  pages(api, path, name, query, between)
const post = async (change: object = {}) => (await api.call('POST', '/api/leads', { ...LEAD, ...change })).body.lead.id

describe('leads', () => {
  it('come newest first, in pages that stay as they are while new ones arrive', async () => {
    const mine: string[] = []
    for (let index = 0; index < 7; index += 1) mine.unshift(await post({ city: 'Pagetown' }))
    const seen = await walk('/api/leads', 'leads', { city: 'Pagetown', limit: '3' }, async () => {
      await post({ city: 'Pagetown' })
    })
    expect(seen).toEqual(mine)
  })

  it('created in the same microsecond are all listed, once', async () => {
    for (let index = 0; index < 5; index += 1) await post({ city: 'Twintown' })
    await api.rows("update leads set created_at = '2026-01-02T03:04:05.678901Z' where city = 'Twintown'")
    const seen = await walk('/api/leads', 'leads', { city: 'Twintown', limit: '2' })
    expect(seen).toHaveLength(5)
    expect(new Set(seen).size).toBe(5)
  })

  it('are filtered by city, time and the status of an unlock', async () => {
    const old = await post({ city: 'Filterville' })
    const offered = await post({ city: 'Filterville', provider_ids: [AMY.id] })
    await api.rows("update leads set created_at = '2025-06-01T12:00:00Z' where id = ?", [old])
    const listed = (query: Record<string, string>) => walk('/api/leads', 'leads', { city: 'Filterville', ...query })
    expect(await listed({})).toEqual([offered, old])
    expect(await listed({ created_to: '2025-06-01T12:00:00.001Z' })).toEqual([old])
    expect(await listed({ created_to: '2025-06-01T12:00:00Z' })).toEqual([])
    expect(await listed({ created_from: '2025-06-01T14:00:00+02:00', created_to: '2025-06-02T00:00:00Z' })).toEqual([
      old,
    ])
    // A day is the whole of it, in UTC.
    expect(await listed({ created_from: '2025-06-01', created_to: '2025-06-01' })).toEqual([old])
    expect(await listed({ created_from: '2025-06-02' })).toEqual([offered])
    expect(await listed({ created_to: '2025-05-31' })).toEqual([])
    expect(await listed({ created_from: '2025-06-01', created_to: '9999-12-31' })).toEqual([offered, old])
    expect(await listed({ unlock_status: 'NEW_LEAD' })).toEqual([offered])
    expect(await listed({ unlock_status: 'DONE' })).toEqual([])
    expect(await walk('/api/leads', 'leads', { city: 'filterville' })).toEqual([])
  })

  it('are listed without locked fields', async () => {
    await post()
    const { text } = await api.call('GET', '/api/leads')
    for (const field of ['client_name', 'client_phone', 'client_email', 'exact_address'] as const) {
      expect(text).not.toContain(LEAD[field])
      expect(text).not.toContain(field)
    }
    expect(text).not.toContain('v1.k1.')
  })

  it.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=201'],
    ['limit', 'limit=ten'],
    ['limit', 'limit=1.5'],
    ['cursor', 'cursor=nonsense'],
    ['cursor', `cursor=${Buffer.from('{"createdMicros":"1","id":"x"}').toString('base64url')}`],
    ['cursor', `cursor=${Buffer.from('{"createdMicros":1e300,"id":"x"}').toString('base64url')}`],
    ['created_from', 'created_from=yesterday'],
    ['created_from', 'created_from=0000-01-01T00:00:00Z'],
    ['created_to', 'created_to=2026-02-30T00:00:00Z'],
    ['created_to', 'created_to=2026-02-30'],
    ['created_from', 'created_from=2026-6-1'],
    ['unlock_status', 'unlock_status=PAYED'],
    ['include_locked', 'include_locked=true'],
    ['city', 'city=%00'],
    ['city', 'city=a&city=b'],
  ])('with a malformed %s (%s) are refused', async (field, query) => {
    const { status, body } = await api.call('GET', `/api/leads?${query}`)
    expect(status).toBe(400)
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual([field])
  })
})

describe('providers and escalations', () => {
  it('providers come by id, in pages', async () => {
    for (const digit of [1, 2, 3, 4, 5]) {
      await api.call('PUT', `/api/providers/page-${digit}`, { name: 'P', phone: `+1305555014${digit}` })
    }
    const all = await walk('/api/providers', 'providers', { limit: '2' })
    expect(all).toEqual([...all].sort())
    expect(all).toEqual(expect.arrayContaining([AMY.id, 'page-1', 'page-5']))
  })

  it('escalations come newest first, in pages, the open ones unless others are asked for', async () => {
    const mine: number[] = []
    for (const subject of ['a', 'b', 'c']) {
      const [row] = await api.rows<{ id: number }>(
        "insert into escalations (kind, subject, summary) values ('dispute', ?, 'Look') returning id",
        [subject],
      )
      if (row !== undefined) mine.unshift(row.id)
    }
    const listed = async (query: Record<string, string>) =>
      (await walk('/api/escalations', 'escalations', query)).filter((id) => mine.includes(Number(id)))
    expect(await listed({ limit: '2' })).toEqual(mine)
    const resolved = await api.call('POST', `/api/escalations/${mine[0]}/resolve`, { note: 'called the bank' })
    expect(resolved.body.escalation).toMatchObject({ id: mine[0], resolved_by: 'admin', note: 'called the bank' })
    expect(await listed({})).toEqual(mine.slice(1))
    expect(await listed({ state: 'resolved' })).toEqual([mine[0]])
    expect(await listed({ state: 'all', limit: '1' })).toEqual(mine)
  })

  it('resolving is audited, and keeps who was first, and each note', async () => {
    const [row] = await api.rows<{ id: number }>(
      "insert into escalations (kind, subject, summary) values ('dispute', 'once', 'Look') returning id",
    )
    const url = `/api/escalations/${row?.id}/resolve`
    const first = await api.call('POST', url)
    const asOperator = { authorization: `Bearer ${OPERATOR_KEY}` }
    const later = [{ note: 'called the bank' }, {}, { note: 'and the payer' }, { note: 'and the payer' }]
    for (const body of later) expect((await api.call('POST', url, body, asOperator)).status).toBe(200)
    const last = await api.call('POST', url)
    expect(last.body.escalation).toEqual({ ...first.body.escalation, note: 'called the bank\nand the payer' })
    expect(
      await api.rows('select key_name, action from audit_log where target = ? order by id', [`escalation:${row?.id}`]),
    ).toEqual([
      { key_name: 'admin', action: 'escalation.resolve' },
      { key_name: 'operator', action: 'escalation.note' },
      { key_name: 'operator', action: 'escalation.note' },
    ])
  })

  it('a note of 2,000 characters is taken, however many bytes each takes', async () => {
    const [row] = await api.rows<{ id: number }>(
      "insert into escalations (kind, subject, summary) values ('dispute', 'noted', 'Look') returning id",
    )
    const response = await api.inject({
      method: 'POST',
      url: `/api/escalations/${row?.id}/resolve`,
      payload: `{"note":"${'\\ud83d\\ude00'.repeat(2_000)}"}`,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    })
    expect(response.status).toBe(200)
    expect(await api.rows('select note from escalations where id = ?', [row?.id])).toEqual([
      { note: '😀'.repeat(2_000) },
    ])
  })

  it.each(['0', '2147483648', '99999999999999999999', 'x', '-1', '1.5', '2147483647'])(
    'there is no escalation or unlock %s',
    async (id) => {
      expect((await api.call('POST', `/api/escalations/${id}/resolve`, {})).status).toBe(404)
      expect((await api.call('GET', `/api/unlocks/${id}`)).status).toBe(404)
    },
  )
})
