import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, type Harness, OPERATOR_KEY, startHarness, TOKEN } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const LIMIT = 60
let lastAddress = 0
/** An address that no other test has failed from. */
const freshAddress = () => {
  lastAddress += 1
  return `10.0.0.${lastAddress}`
}
const get = (url: string, authorization?: string, remoteAddress = freshAddress()) =>
  api.inject({ method: 'GET', url, remoteAddress, headers: authorization === undefined ? {} : { authorization } })
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('the API', () => {
  it.each([ADMIN_KEY, OPERATOR_KEY])('opens to the key %s', async (key) => {
    expect((await get('/api/leads', `Bearer ${key}`)).status).toBe(200)
    expect((await get('/api/leads', `bearer  ${key} `)).status).toBe(200)
  })

  it.each([
    ['nothing', undefined],
    ['an empty key', 'Bearer '],
    ['a wrong key', 'Bearer wrong'],
    ['a key and more', `Bearer ${ADMIN_KEY}x`],
    ['the key without the scheme', ADMIN_KEY],
    ['basic authentication', basic('admin', ADMIN_KEY)],
  ])('refuses %s', async (_case, authorization) => {
    const { status, headers, body } = await get('/api/leads', authorization)
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toBe('Bearer realm="lead-unlock"')
    expect(body.type).toBe('urn:lead-unlock:problem:unauthorized')
  })

  it('knows no operator when no operator key is configured', async () => {
    const alone = await startHarness({ config: { operatorApiKey: null } })
    try {
      for (const key of [OPERATOR_KEY, 'null', 'undefined']) {
        const answer = await alone.inject({
          method: 'GET',
          url: '/api/leads',
          headers: { authorization: `Bearer ${key}` },
        })
        expect(answer.status).toBe(401)
      }
    } finally {
      await alone.close()
    }
  })

  it('reads nothing of a body before the key is right', async () => {
    const { status } = await api.inject({
      method: 'POST',
      url: '/api/leads',
      remoteAddress: freshAddress(),
      headers: { 'content-type': 'application/json' },
      payload: 'x'.repeat(300 * 1024),
    })
    expect(status).toBe(401)
  })
})

describe('failed authentications', () => {
  it('are limited per address, and a right key from the same address never is', async () => {
    const address = freshAddress()
    const statuses: number[] = []
    for (let attempt = 0; attempt < LIMIT + 5; attempt += 1) {
      statuses.push((await get('/api/leads', 'Bearer wrong', address)).status)
    }
    expect(statuses).toEqual([...Array(LIMIT).fill(401), ...Array(5).fill(429)])
    expect((await get('/api/leads', `Bearer ${ADMIN_KEY}`, address)).status).toBe(200)
    expect((await get(`/webhook/textmagic?token=${TOKEN}`, undefined, address)).status).toBe(200)
    expect((await get('/api/leads', 'Bearer wrong')).status).toBe(401)
  })

  it('of webhooks and of the queue board count as well', async () => {
    const address = freshAddress()
    for (let attempt = 0; attempt < LIMIT; attempt += 3) {
      expect((await get('/webhook/textmagic?token=wrong', undefined, address)).status).toBe(401)
      expect((await get('/admin/queues', 'Bearer wrong', address)).status).toBe(401)
      expect(
        (await api.inject({ method: 'POST', url: '/webhook/stripe', payload: 'x', remoteAddress: address })).status,
      ).toBe(400)
    }
    for (const url of ['/webhook/textmagic?token=wrong', '/admin/queues', '/api/leads']) {
      const { status, body } = await get(url, 'Bearer wrong', address)
      expect(status).toBe(429)
      expect(body.type).toBe('urn:lead-unlock:problem:too-many-failures')
    }
  })

  it('do not slow down authenticated calls, however many', async () => {
    const address = freshAddress()
    const answers = await Promise.all(
      Array.from({ length: 3 * LIMIT }, () => get(`/webhook/textmagic?token=${TOKEN}`, undefined, address)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers[0]?.headers['x-ratelimit-limit']).toBeUndefined()
  })
})
