import { afterAll, beforeAll, expect, it } from 'vitest'
import { AMY, type Harness, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const put = (id: string, body: object) => api.call('PUT', `/api/providers/${encodeURIComponent(id)}`, body)

it('a new provider is answered 201, and a change 200', async () => {
  const created = await put('provider70', {
    name: ' Dana  Doe ',
    phone: '(305) 555-0120',
    email: 'dana@example.com',
    time_zone: 'America/New_York',
  })
  expect(created.status).toBe(201)
  expect(created.body.provider).toEqual({
    id: 'provider70',
    name: 'Dana Doe',
    phone: '+13055550120',
    email: 'dana@example.com',
    time_zone: 'America/New_York',
    opted_out_at: null,
    created_at: expect.any(String),
    updated_at: expect.any(String),
  })
  const changed = await put('provider70', { name: 'Dana', phone: '+1 305 555 0121' })
  expect(changed.status).toBe(200)
  expect(changed.body.provider).toMatchObject({ name: 'Dana', phone: '+13055550121', email: null, time_zone: null })
  expect((await api.call('GET', '/api/providers/provider70')).body).toEqual(changed.body)
})

it('an id with spaces around it is the id without them', async () => {
  await put('provider71 ', { name: 'Eve', phone: '+13055550122' })
  expect((await put('provider71', { name: 'Eve', phone: '+13055550122' })).status).toBe(200)
  expect((await api.call('GET', '/api/providers/provider71%20')).body.provider.id).toBe('provider71')
})

it('a phone number belongs to one provider', async () => {
  const { status, body } = await put('provider72', { name: 'Thief', phone: AMY.phone })
  expect(status).toBe(409)
  expect(body).toMatchObject({ type: 'urn:lead-unlock:problem:phone-taken', errors: [{ field: 'phone' }] })
})

it('of two providers given the same number at once, one gets it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => `race-${index}`).map((id) => put(id, { name: 'R', phone: '+13055550123' })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
})

it('a provider put several times at once is stored once, and nobody is told that the number is taken', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => put('eager', { name: 'E', phone: '+13055550127' })))
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(7).fill(200), 201])
})

it('a change that cannot be noted is not done, and is not said to be about the number', async () => {
  await api.rows('alter table audit_log rename to audit_log_away')
  try {
    expect((await put('unnoted', { name: 'S', phone: '+13055550129' })).status).toBe(503)
  } finally {
    await api.rows('alter table audit_log_away rename to audit_log')
  }
  expect((await api.call('GET', '/api/providers/unnoted')).status).toBe(404)
})

it('a change leaves a STOP in force', async () => {
  await put('stopped', { name: 'S', phone: '+13055550124' })
  await api.rows("update providers set opted_out_at = app_now() where id = 'stopped'")
  const { body } = await put('stopped', { name: 'Sam', phone: '+13055550125' })
  expect(body.provider.opted_out_at).toEqual(expect.any(String))
})

it.each([
  ['phone', 422, { name: 'X', phone: '12345' }],
  ['phone', 422, { name: 'X', phone: '+13055550126 ext. 5' }],
  ['name', 422, { name: '\u200b', phone: '+13055550126' }],
  ['time_zone', 422, { name: 'X', phone: '+13055550126', time_zone: 'Mars/Olympus' }],
  ['time_zone', 422, { name: 'X', phone: '+13055550126', time_zone: '+05:30' }],
  ['time_zone', 422, { name: 'X', phone: '+13055550126', time_zone: '-05:00' }],
  ['email', 400, { name: 'X', phone: '+13055550126', email: 'not an address' }],
  ['name', 400, { phone: '+13055550126' }],
  ['phone', 400, { name: 'X', phone: 13055550126 }],
  ['opted_out_at', 400, { name: 'X', phone: '+13055550126', opted_out_at: null }],
])('a provider with a bad %s is answered %i', async (field, status, body) => {
  const answer = await put('bad', body)
  expect(answer.status).toBe(status)
  expect(answer.body.errors.map((error: { field: string }) => error.field)).toEqual([field])
  expect((await api.call('GET', '/api/providers/bad')).status).toBe(404)
})

it.each([' ', 'a\tb', 'x'.repeat(65)])('the id %j is refused', async (id) => {
  expect((await put(id, { name: 'X', phone: '+13055550126' })).status).toBe(422)
})
