import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStoredKeys } from '../../src/api/auth/stored-keys.ts'
import { createApiKey, KeyNameTakenError, listApiKeys, revokeApiKey } from '../../src/db/access/api-keys.ts'
import { drawApiKey, hashApiKey } from '../../src/domain/api-key.ts'
import type { Role } from '../../src/domain/roles.ts'
import { until } from '../support/until.ts'
import { ADMIN_KEY, type Harness, LEAD, OPERATOR_KEY, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const BY = { keyName: 'cli', role: null, requestId: null }

async function stored(name: string, role: Role = 'operator'): Promise<{ key: string; id: number }> {
  const key = drawApiKey()
  const { id } = await createApiKey(api.db.em, { name, role, hash: hashApiKey(key) }, BY)
  return { key, id }
}

const leads = (key: string, harness = api) =>
  harness.inject({ method: 'GET', url: '/api/leads', headers: { authorization: `Bearer ${key}` } })
const lastUse = async (id: number) => (await listApiKeys(api.db.em.fork())).find((key) => key.id === id)?.lastUsedAt

describe('a key in the table', () => {
  it('works from its creation on, with its role, and is named in the audit log', async () => {
    const key = drawApiKey()
    expect((await leads(key)).status).toBe(401)
    await createApiKey(api.db.em, { name: 'jane', role: 'admin', hash: hashApiKey(key) }, BY)
    expect((await leads(key)).status).toBe(200)
    const lead = (await api.call('POST', '/api/leads', LEAD)).body.lead.id
    const headers = { authorization: `Bearer ${key}`, 'x-request-id': 'jane-reads' }
    expect((await api.call('GET', `/api/leads/${lead}?include_locked=true`, undefined, headers)).status).toBe(200)
    expect(
      await api.rows("select key_name, role, action, target from audit_log where request_id = 'jane-reads'"),
    ).toEqual([{ key_name: 'jane', role: 'admin', action: 'lead.read_locked', target: `lead:${lead}` }])
  })

  it('of an operator does not open locked fields', async () => {
    const { key } = await stored('ops')
    const lead = (await api.call('POST', '/api/leads', LEAD)).body.lead.id
    const asked = await api.call('GET', `/api/leads/${lead}?include_locked=true`, undefined, {
      authorization: `Bearer ${key}`,
    })
    expect(asked.status).toBe(403)
    expect(asked.text).not.toContain(LEAD.client_name)
  })

  it('of an intake form creates leads, and a refusal elsewhere comes before the body is read', async () => {
    const { key } = await stored('form', 'intake')
    const authorization = `Bearer ${key}`
    expect((await api.call('POST', '/api/leads', LEAD, { authorization })).status).toBe(201)
    const refused = await api.call('PUT', '/api/providers/provider60', 'x'.repeat(300 * 1024), { authorization })
    expect([refused.status, refused.body.type]).toEqual([403, 'urn:lead-unlock:problem:forbidden'])
  })

  it('is stored as a hash alone, and appears in no log line', async () => {
    const { key } = await stored('kept-secret')
    await leads(key)
    await leads(`${key}x`)
    const dump = JSON.stringify(await api.rows('select * from api_keys'))
    expect(dump).toContain(hashApiKey(key))
    for (const text of [dump, api.log.join('')]) expect(text).not.toContain(key.slice(3))
  })

  it('has a name that no other key in use has; a revoked one gives it back', async () => {
    await stored('twice')
    await expect(stored('twice')).rejects.toThrow(KeyNameTakenError)
    await revokeApiKey(api.db.em, 'twice', BY)
    await stored('twice')
    expect((await listApiKeys(api.db.em.fork())).filter(({ name }) => name === 'twice')).toHaveLength(2)
  })
})

describe('revoking', () => {
  it('reaches a process that has just seen the key within five seconds', async () => {
    let now = 0
    const keys = createStoredKeys(api.db, api.app.log, () => now)
    const { key, id } = await stored('leaver')
    expect(await keys.find(key)).toEqual({ id: `key:${id}`, name: 'leaver', role: 'operator' })
    expect(await revokeApiKey(api.db.em, 'leaver', BY)).toMatchObject({ id, name: 'leaver' })
    now = 5_000
    expect(await keys.find(key)).toBeNull()
    await keys.settled()
  })

  it('by id works for a key in use, twice changes nothing, and is audited once', async () => {
    const { id } = await stored('by-id')
    const first = await revokeApiKey(api.db.em, id, BY)
    const second = await revokeApiKey(api.db.em, id, BY)
    expect(first?.revokedAt).toBeInstanceOf(Date)
    expect(second).toEqual(first)
    expect(await revokeApiKey(api.db.em, 'by-id', BY)).toBeNull()
    expect(await revokeApiKey(api.db.em, 999_999, BY)).toBeNull()
    expect(
      await api.rows('select action, key_name from audit_log where target = ? order by id', [`key:${id}`]),
    ).toEqual([
      { action: 'key.create', key_name: 'cli' },
      { action: 'key.revoke', key_name: 'cli' },
    ])
  })
})

describe('the last use of a key', () => {
  it('is noted, at most once a minute', async () => {
    const { key, id } = await stored('used')
    expect(await lastUse(id)).toBeNull()
    const use = async () => {
      const keys = createStoredKeys(api.db, api.app.log)
      await keys.find(key)
      await keys.settled()
      return (await lastUse(id))?.getTime()
    }
    const first = await use()
    expect(first).toBeGreaterThan(0)
    expect(await use()).toBe(first)
    await api.rows("update api_keys set last_used_at = last_used_at - interval '61 seconds' where id = ?", [id])
    expect(await use()).toBeGreaterThan((first ?? 0) - 60_000)
  })

  it('is written beside the request, which does not wait for it', async () => {
    const { key, id } = await stored('row-locked')
    await api.db.em.fork().transactional(async (tx) => {
      await tx.execute('select 1 from api_keys where id = ? for update', [id])
      expect((await leads(key)).status).toBe(200)
      expect(await lastUse(id)).toBeNull()
    })
    await until('the use of the key to be noted', async () => (await lastUse(id)) !== null)
  })
})

it('while Postgres is away the keys of the environment are recognised, and a stored one is not taken for a wrong one', async () => {
  const away = await startHarness({ databaseUrl: 'postgresql://nobody@127.0.0.1:1/none' })
  try {
    // What they ask for is in Postgres: 503 says that the key itself was fine.
    for (const key of [ADMIN_KEY, OPERATOR_KEY, drawApiKey()]) expect((await leads(key, away)).status).toBe(503)
    expect((await leads('wrong', away)).status).toBe(401)
    expect((await leads('lu_wrong', away)).status).toBe(401)
  } finally {
    await away.close()
  }
})
