import { afterAll, beforeAll, expect, it } from 'vitest'
import { oncePerKey } from '../../src/db/leads/idempotency.ts'
import { type EntityManager, inTransaction } from '../../src/db/postgres/orm.ts'
import { AMY, BEN, type Harness, LEAD, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const post = (key: string, body: object) => api.call('POST', '/api/leads', body, { 'idempotency-key': key })
const leads = async () => (await api.rows('select id from leads')).length
const BODY = { ...LEAD, provider_ids: [AMY.id] }

it('the same key and body answer the same lead, marked as a repetition', async () => {
  const first = await post('same', BODY)
  expect(first.status).toBe(201)
  expect(first.headers['idempotent-replayed']).toBeUndefined()
  const before = await leads()
  const again = await post('same', BODY)
  expect(again.status).toBe(201)
  expect(again.headers['idempotent-replayed']).toBe('true')
  expect(again.body).toEqual(first.body)
  expect(await leads()).toBe(before)
})

it('a body with its names in another order is the same body', async () => {
  const first = await post('order', { ...BODY, config: { price_cents: 3000, ttl_hours: 2 } })
  const { city, ...rest } = BODY
  const again = await post('order', { config: { ttl_hours: 2, price_cents: 3000 }, ...rest, city })
  expect(again.body.lead.id).toBe(first.body.lead.id)
})

it.each([
  ['another city', { ...BODY, city: 'Tampa' }],
  ['another client', { ...BODY, client_phone: '+1234567891' }],
  ['another provider', { ...BODY, provider_ids: [BEN.id] }],
])('the same key with %s is a conflict, and nothing is stored', async (what, other) => {
  await post(`conflict ${what}`.replaceAll(' ', '-'), BODY)
  const before = await leads()
  const { status, body } = await post(`conflict ${what}`.replaceAll(' ', '-'), other)
  expect(status).toBe(409)
  expect(body.type).toBe('urn:lead-unlock:problem:idempotency-conflict')
  expect(await leads()).toBe(before)
})

it('the same key many times at once makes one lead', async () => {
  const before = await leads()
  const answers = await Promise.all(Array.from({ length: 8 }, () => post('race', BODY)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  expect(new Set(answers.map(({ body }) => body.lead.id)).size).toBe(1)
  expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(7)
  expect(await leads()).toBe(before + 1)
})

it('a request that was refused leaves the key free', async () => {
  expect((await post('refused', { ...LEAD, provider_ids: ['nobody'] })).status).toBe(422)
  expect((await post('refused', BODY)).status).toBe(201)
})

it('a key that ends at the moment of a repetition is a new one', async () => {
  const once = (tx: EntityManager, answer: string) => oncePerKey(tx, api.sealer, 'ends', '{}', async () => answer)
  await inTransaction(api.db.em, (tx) => once(tx, 'first'))
  const again = await inTransaction(api.db.em, (tx) => {
    const execute = tx.execute.bind(tx)
    Reflect.set(tx, 'execute', async (...query: Parameters<typeof execute>) => {
      const rows = await execute(...query)
      Reflect.set(tx, 'execute', execute)
      await api.rows("delete from idempotency_keys where key = 'ends'")
      return rows
    })
    return once(tx, 'second')
  })
  expect(again).toEqual({ result: 'second', replayed: false })
})

it('a repetition wakes nothing up a second time', async () => {
  const { body } = await post('wake', BODY)
  await post('wake', BODY)
  const unlockId = body.unlocks[0].id
  expect((await api.jobs('send-teaser')).filter(({ data }) => data.unlock_id === unlockId)).toHaveLength(1)
})

it('what is kept for a key holds no locked field', async () => {
  await post('secret', BODY)
  const kept = JSON.stringify(await api.rows('select * from idempotency_keys'))
  for (const field of ['client_name', 'client_phone', 'client_email', 'exact_address'] as const) {
    expect(kept).not.toContain(LEAD[field])
  }
})

it.each(['', 'has space', 'x'.repeat(256), 'ümlaut'])('the key %j is refused', async (key) => {
  const { status, body } = await post(key, BODY)
  expect(status).toBe(400)
  expect(body.errors).toMatchObject([{ field: 'idempotency-key' }])
})

it('without a key every request makes a lead', async () => {
  const before = await leads()
  await api.call('POST', '/api/leads', BODY)
  await api.call('POST', '/api/leads', BODY)
  expect(await leads()).toBe(before + 2)
})
