import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { AMY, type Harness, LEAD, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
beforeEach(() => {
  api.log.length = 0
})
afterAll(() => api.close())

const answered = () =>
  api.log.map((line) => JSON.parse(line)).filter(({ operation }: { operation?: string }) => operation === 'request')

it('a request is logged by its route: an id in its path is not there, nor is anything of its query', async () => {
  const { body } = await api.call('POST', '/api/leads', LEAD)
  await api.call('GET', `/api/leads/${body.lead.id}?include_locked=true`)
  await api.call('GET', `/api/providers?search=${AMY.name}`)
  await api.inject({ method: 'POST', url: '/webhook/textmagic?token=T0K3N', payload: '{}' })
  await api.call('GET', '/nowhere/T0K3N')
  expect(answered()).toMatchObject([
    { method: 'POST', path: '/api/leads', status: 201, role: 'admin', key_id: 'env:admin' },
    { method: 'GET', path: '/api/leads/:id', status: 200 },
    { method: 'GET', path: '/api/providers', status: 200 },
    { method: 'POST', path: '/webhook/textmagic', status: 401, error_code: 'unauthorized' },
    { method: 'GET', path: 'none', status: 404, error_code: 'not-found' },
  ])
  expect(api.log.join('')).not.toContain('T0K3N')
})

it('a refusal is logged with its code: a webhook whose signature is wrong is told from one that nobody could read', async () => {
  const post = (payload: string, headers = {}) =>
    api.inject({ method: 'POST', url: '/webhook/stripe', payload, headers })
  await post('{}', { 'content-type': 'application/json', 'stripe-signature': 't=1,v1=00' })
  await api.call('POST', '/api/leads', { ...LEAD, city: 7 })
  await api.inject({ method: 'POST', url: '/admin/sign-in', payload: {} })
  await api.call('GET', '/api/leads')
  expect(answered().map(({ status, error_code }) => [status, error_code])).toEqual([
    [400, 'bad-signature'],
    [400, 'invalid-request'],
    [403, 'forbidden'],
    [200, undefined],
  ])
})

it.each([
  ['POST', '/webhook/textmagic?token=T0K3N', '/webhook/textmagic', 401],
  ['GET', '/webhook/nowhere?token=T0K3N', '/webhook/nowhere', 404],
  ['GET', '/api/leads?limit=T0K3N', '/api/leads', 400],
] as const)('%s %s is answered with a problem that names its path, and nothing of its query', async (...expected) => {
  const [method, url, instance, status] = expected
  const answer = await api.call(method, url)
  expect(answer.body).toMatchObject({ status, instance })
  expect(answer.text).not.toContain('T0K3N')
})
