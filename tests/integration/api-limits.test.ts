import { once } from 'node:events'
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, type Harness, OPERATOR_KEY, startHarness, TOKEN } from './api-harness.ts'
import { startSilentRedis } from './api-silent-redis.ts'

const FAILURES = 60
const CALLS = 20

let api: Harness
/** Another process of the same system. */
let other: Harness
beforeAll(async () => {
  api = await startHarness({ config: { apiRatePerMinute: CALLS, trustedProxies: ['10.0.0.0/8'] } })
  other = await startHarness({ config: { apiRatePerMinute: CALLS }, beside: api })
})
afterAll(async () => {
  await other.close()
  await api.close()
})

const get = (harness: Harness, url: string, headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') =>
  harness.inject({ method: 'GET', url, headers, remoteAddress })
const as = (key: string) => ({ authorization: `Bearer ${key}` })
const statuses = async (times: number, ask: () => Promise<{ status: number }>) => {
  const seen: number[] = []
  for (let time = 0; time < times; time += 1) seen.push((await ask()).status)
  return seen
}
/** 1, 2, 3 … */
const counting = () => {
  let count = 0
  return () => {
    count += 1
    return count
  }
}

describe('the calls of a key', () => {
  it('are limited over all processes together, and those of other keys are not', async () => {
    const half = CALLS / 2
    const first = await get(api, '/api/leads', as(ADMIN_KEY))
    expect(first.headers).toMatchObject({
      'ratelimit-limit': '20',
      'ratelimit-remaining': '19',
      'ratelimit-reset': '60',
    })
    expect(new Set(await statuses(half - 1, () => get(api, '/api/leads', as(ADMIN_KEY))))).toEqual(new Set([200]))
    expect(new Set(await statuses(half, () => get(other, '/api/leads', as(ADMIN_KEY))))).toEqual(new Set([200]))
    for (const harness of [api, other]) {
      const { status, headers, body } = await get(harness, '/api/leads', as(ADMIN_KEY))
      expect(status).toBe(429)
      expect(body.type).toBe('urn:lead-unlock:problem:too-many-requests')
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    }
    expect((await get(other, '/api/leads', as(OPERATOR_KEY))).status).toBe(200)
  })

  it('are counted in Redis under the name of the key, which is nowhere there itself', async () => {
    await get(api, '/api/leads', as(OPERATOR_KEY))
    await get(api, '/api/leads', as('wrong'), '192.0.2.3')
    const keys = await api.redis.keys(`${api.redisPrefix}:limit:*`)
    expect(keys).toContain(`${api.redisPrefix}:limit:calls:env:operator`)
    expect(keys).toContain(`${api.redisPrefix}:limit:failures:192.0.2.3`)
    expect(keys.join()).not.toMatch(new RegExp([ADMIN_KEY, OPERATOR_KEY, TOKEN].join('|')))
    for (const key of keys) expect(await api.redis.pttl(key)).toBeGreaterThan(0)
  })

  it('do not count against webhooks and health, which have no limit', async () => {
    for (const url of [`/webhook/textmagic?token=${TOKEN}`, '/healthz']) {
      expect(new Set(await statuses(CALLS + 5, () => get(api, url)))).toEqual(new Set([200]))
    }
  })
})

describe('failed authentications', () => {
  it('are counted over all processes together', async () => {
    const failing = (harness: Harness) => get(harness, '/api/leads', as('wrong'), '192.0.2.7')
    const seen = [
      ...(await statuses(FAILURES / 2, () => failing(api))),
      ...(await statuses(FAILURES / 2, () => failing(other))),
    ]
    expect(new Set(seen)).toEqual(new Set([401]))
    for (const harness of [api, other]) {
      const { status, headers } = await failing(harness)
      expect(status).toBe(429)
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    }
  })

  const fail = (harness: Harness, remoteAddress: string, forwarded: string) =>
    get(harness, '/api/leads', { 'x-forwarded-for': forwarded }, remoteAddress)

  it('behind a trusted proxy count against the client it names, and whatever the client claims before that', async () => {
    const claims = counting()
    const seen = await statuses(FAILURES + 1, () => fail(api, '10.0.0.1', `${claims()}.1.1.1, 198.51.100.1`))
    expect(seen.at(-1)).toBe(429)
    expect((await fail(api, '10.0.0.1', '198.51.100.2')).status).toBe(401)
  })

  it('from elsewhere count against the address they come from, whatever they claim', async () => {
    const claims = counting()
    const seen = await statuses(FAILURES + 1, () => fail(other, '10.0.0.9', `198.51.100.${claims()}`))
    expect(seen.at(-1)).toBe(429)
  })

  const DOORS: readonly { door: string; status: number; request: InjectOptions }[] = [
    {
      door: 'the webhook of Stripe',
      status: 400,
      request: { method: 'POST', url: '/webhook/stripe', headers: { 'stripe-signature': 't=1,v1=00' }, payload: '{}' },
    },
    {
      door: 'the webhooks of TextMagic',
      status: 401,
      request: { method: 'POST', url: '/webhook/textmagic/delivery?token=wrong', payload: '{}' },
    },
    { door: 'the metrics', status: 401, request: { method: 'GET', url: '/metrics', headers: as('wrong') } },
    { door: 'the queue board', status: 401, request: { method: 'GET', url: '/admin/queues', headers: as('wrong') } },
    {
      door: 'its sign-in',
      status: 401,
      request: {
        method: 'POST',
        url: '/admin/sign-in',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
        payload: 'key=wrong',
      },
    },
  ]
  it.each(DOORS)('at $door are limited as well, and who knows better is let in all the same', async (failing) => {
    const remoteAddress = `192.0.2.${100 + DOORS.indexOf(failing)}`
    const seen = await statuses(FAILURES + 1, () => api.inject({ ...failing.request, remoteAddress }))
    expect(new Set(seen.slice(0, -1))).toEqual(new Set([failing.status]))
    expect(seen.at(-1)).toBe(429)
    expect((await get(api, `/webhook/textmagic?token=${TOKEN}`, {}, remoteAddress)).status).toBe(200)
  })

  it('of one IPv6 network count as those of one client', async () => {
    const hosts = counting()
    const seen = await statuses(FAILURES + 1, () => get(api, '/api/leads', {}, `2001:db8:1:2::${hosts()}`))
    expect(seen.at(-1)).toBe(429)
    expect((await get(api, '/api/leads', {}, '2001:db8:1:3::1')).status).toBe(401)
  })
})

describe('while Redis', () => {
  it('is away, each process counts for itself, and answers', async () => {
    const alone = await startHarness({ redisUrl: 'redis://127.0.0.1:1', config: { apiRatePerMinute: CALLS } })
    try {
      const seen = await statuses(CALLS + 1, () => get(alone, '/api/leads', as(ADMIN_KEY)))
      expect(seen).toEqual([...Array(CALLS).fill(200), 429])
      const failing = await statuses(FAILURES + 1, () => get(alone, '/api/leads', as('wrong')))
      expect(failing).toEqual([...Array(FAILURES).fill(401), 429])
      expect((await get(alone, `/webhook/textmagic?token=${TOKEN}`)).status).toBe(200)
    } finally {
      await alone.close()
    }
  })

  it('accepts commands and answers none, a request waits for it once in a while, not each', async () => {
    const silent = await startSilentRedis()
    const hanging = await startHarness({ redisUrl: silent.url, config: { apiRatePerMinute: CALLS } })
    try {
      if (hanging.redis.status !== 'ready') await once(hanging.redis, 'ready')
      silent.hush()
      expect(await statuses(CALLS + 1, () => get(hanging, '/api/leads', as(ADMIN_KEY)))).toEqual([
        ...Array(CALLS).fill(200),
        429,
      ])
      const waited = hanging.log.filter((line) => line.includes('counts for itself'))
      expect(waited.length).toBeLessThan(CALLS / 2)
      // Given up by the limit itself: the connection would wait for seconds.
      for (const line of waited) expect(line).toContain('Redis did not answer in time')
    } finally {
      await silent.close()
      await hanging.close()
    }
  })
})
