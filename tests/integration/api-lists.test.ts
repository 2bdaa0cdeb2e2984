import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AMY, BEN, type Harness, LEAD, startHarness } from './api-harness.ts'
import { walk } from './api-pages.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

/** Offers a new lead; one unlock for each provider. */
const offer = async (...providers: string[]) => {
  const { body } = await api.call('POST', '/api/leads', { ...LEAD, provider_ids: providers })
  return { leadId: String(body.lead.id), unlocks: body.unlocks.map(({ id }: { id: number }) => id) as number[] }
}
let drawn = 0
const newProvider = async (change: object = {}) => {
  drawn += 1
  const id = `list-${String(drawn).padStart(2, '0')}`
  const body = { name: 'Pat', phone: `+1212555${String(100 + drawn).padStart(4, '0')}`, ...change }
  expect((await api.call('PUT', `/api/providers/${id}`, body)).status).toBe(201)
  return id
}

describe('unlocks', () => {
  it('come newest first, in pages that stay as they are while new ones arrive', async () => {
    const provider = await newProvider()
    const mine: number[] = []
    for (let times = 0; times < 5; times += 1) mine.unshift(...(await offer(provider)).unlocks)
    const query = { provider_id: provider, limit: '2' }
    expect(await walk(api, '/api/unlocks', 'unlocks', query, () => offer(provider))).toEqual(mine)
  })

  it('of one lead, made in the same moment, are all listed, once', async () => {
    const { leadId, unlocks } = await offer(await newProvider(), await newProvider(), await newProvider())
    await api.rows("update lead_unlocks set created_at = '2026-01-02T03:04:05.678901Z' where lead_id = ?", [leadId])
    const listed = await walk(api, '/api/unlocks', 'unlocks', { lead_id: leadId, limit: '1' })
    expect(listed).toEqual([...unlocks].sort((a, b) => b - a))
  })

  it('are filtered by status, provider, lead and time, all together', async () => {
    const provider = await newProvider()
    const old = await offer(provider, AMY.id)
    const recent = await offer(provider)
    await api.rows("update lead_unlocks set created_at = '2025-06-01T12:00:00Z' where lead_id = ?", [old.leadId])
    await api.rows("update lead_unlocks set status = 'EXPIRED', closed_reason = 'ttl' where lead_id = ?", [old.leadId])
    const listed = (query: Record<string, string>) =>
      walk(api, '/api/unlocks', 'unlocks', { provider_id: provider, ...query })
    expect(await listed({})).toEqual([...recent.unlocks, old.unlocks[0]])
    expect(await listed({ status: 'EXPIRED' })).toEqual([old.unlocks[0]])
    expect(await listed({ status: 'DONE' })).toEqual([])
    expect(await listed({ lead_id: recent.leadId })).toEqual(recent.unlocks)
    expect(await listed({ lead_id: recent.leadId, status: 'EXPIRED' })).toEqual([])
    expect(await listed({ created_to: '2025-06-01T12:00:00Z' })).toEqual([])
    expect(await listed({ created_from: '2025-06-01T12:00:00Z', created_to: '2025-06-01T12:00:00.001Z' })).toEqual([
      old.unlocks[0],
    ])
    expect(await listed({ provider_id: `${provider} ` })).toHaveLength(2)
  })

  it('are shown as GET /api/unlocks/{id} shows them', async () => {
    const { leadId, unlocks } = await offer(BEN.id)
    const { body } = await api.call('GET', `/api/unlocks?lead_id=${leadId}`)
    expect(body.unlocks).toEqual([(await api.call('GET', `/api/unlocks/${unlocks[0]}`)).body.unlock])
  })

  it.each([
    ['limit', 'limit=0'],
    ['cursor', `cursor=${Buffer.from('{"createdMicros":1,"id":"1"}').toString('base64url')}`],
    ['cursor', `cursor=${Buffer.from('{"createdMicros":1,"id":2147483648}').toString('base64url')}`],
    ['status', 'status=PAYED'],
    ['created_to', 'created_to=tomorrow'],
    ['provider_id', 'provider_id=%00'],
    ['page', 'page=2'],
  ])('with a malformed %s (%s) are refused', async (field, query) => {
    const { status, body } = await api.call('GET', `/api/unlocks?${query}`)
    expect(status).toBe(400)
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual([field])
  })
})

describe('messages', () => {
  it('come newest first, in pages that stay as they are while new ones arrive', async () => {
    const provider = await newProvider()
    for (let times = 0; times < 5; times += 1) await offer(provider)
    const mine = await api.rows<{ id: number }>(
      'select id from outbound_messages where provider_id = ? order by id desc',
      [provider],
    )
    const query = { provider_id: provider, limit: '2' }
    const seen = await walk(api, '/api/messages', 'messages', query, () => offer(provider))
    expect(seen).toEqual(mine.map(({ id }) => id))
  })

  it('are filtered by provider, unlock, purpose and status, all together', async () => {
    const provider = await newProvider()
    const { unlocks } = await offer(provider)
    const other = await offer(provider)
    const [failed] = await api.rows<{ id: number }>(
      `insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, body, status)
       values ('declined', ?, ?, ?, '+12125550100', 'skipped', 'failed') returning id`,
      [`declined:${unlocks[0]}`, unlocks[0], provider],
    )
    const listed = (query: Record<string, string>) =>
      walk(api, '/api/messages', 'messages', { provider_id: provider, ...query })
    expect(await listed({})).toHaveLength(3)
    expect(await listed({ status: 'failed' })).toEqual([failed?.id])
    expect(await listed({ purpose: 'teaser' })).toHaveLength(2)
    expect(await listed({ unlock_id: String(unlocks[0]) })).toHaveLength(2)
    expect(await listed({ unlock_id: String(other.unlocks[0]), purpose: 'declined' })).toEqual([])
    expect(await listed({ unlock_id: String(unlocks[0]), purpose: 'declined', status: 'failed' })).toEqual([failed?.id])
  })

  it('name their unlock and provider, and never show the body of a reveal', async () => {
    const { unlocks } = await offer(AMY.id)
    await api.rows(
      `insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, body, status)
       values ('reveal', 'reveal:listed', ?, ?, ?, null, 'accepted')`,
      [unlocks[0], AMY.id, AMY.phone],
    )
    const { body, text } = await api.call('GET', `/api/messages?unlock_id=${unlocks[0]}`)
    expect(body.messages).toMatchObject([
      { purpose: 'reveal', status: 'accepted', body: null, unlock_id: unlocks[0], provider_id: AMY.id },
      { purpose: 'teaser', status: 'pending', body: expect.stringContaining('Reply Y'), unlock_id: unlocks[0] },
    ])
    for (const field of ['client_name', 'client_phone', 'client_email', 'exact_address'] as const) {
      expect(text).not.toContain(LEAD[field])
    }
  })

  it.each([
    ['unlock_id', 'unlock_id=x'],
    ['unlock_id', 'unlock_id=0'],
    ['purpose', 'purpose=spam'],
    ['status', 'status=sent'],
    ['cursor', `cursor=${Buffer.from('"5"').toString('base64url')}`],
  ])('with a malformed %s (%s) are refused', async (field, query) => {
    const { status, body } = await api.call('GET', `/api/messages?${query}`)
    expect(status).toBe(400)
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual([field])
  })
})

describe('a search for providers', () => {
  const found = (search: string, query: Record<string, string> = {}) =>
    walk(api, '/api/providers', 'providers', { search, ...query })

  it('finds the beginning of an id, of a word of a name and of a phone number, in any case', async () => {
    const zoe = await newProvider({ name: 'Zoë van Dyke', phone: '+13125550142' })
    const mel = await newProvider({ name: 'Mel', phone: '+13125550143' })
    expect(await found('zoë')).toEqual([zoe])
    expect(await found('VAN D')).toEqual([zoe])
    expect(await found(' van d ')).toEqual([zoe])
    expect(await found('dyke')).toEqual([zoe])
    expect(await found('yke')).toEqual([])
    expect(await found(zoe.toUpperCase())).toEqual([zoe])
    expect(await found('+1 (312) 555-0142')).toEqual([zoe])
    expect(await found('312555014')).toEqual([zoe, mel])
    expect(await found('13125550143')).toEqual([mel])
    expect(await found('25550143')).toEqual([])
  })

  it('takes what it searches for literally', async () => {
    const odd = await newProvider({ name: '100% _Bob_' })
    expect(await found('%')).toEqual([])
    expect(await found('100%')).toEqual([odd])
    expect(await found('_bob_')).toEqual([odd])
    expect(await found('_____')).toEqual([])
  })

  it('has pages that stay as they are while providers arrive', async () => {
    const mine: string[] = []
    for (let times = 0; times < 5; times += 1) mine.push(await newProvider({ name: 'Quentin' }))
    const before = async () => {
      drawn += 1
      await api.call('PUT', `/api/providers/a-${drawn}`, { name: 'Quentin', phone: `+1415555${1000 + drawn}` })
    }
    expect(await found('quent', { limit: '2' })).toEqual(mine)
    expect(await walk(api, '/api/providers', 'providers', { search: 'quent', limit: '2' }, before)).toEqual(mine)
  })

  it.each(['search=', 'search=%20', `search=${'x'.repeat(101)}`, 'search=%00'])('%s is refused', async (query) => {
    const { status, body } = await api.call('GET', `/api/providers?${query}`)
    expect(status).toBe(400)
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual(['search'])
  })
})
