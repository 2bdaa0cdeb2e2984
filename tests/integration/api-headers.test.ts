import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, type Harness, LEAD, startHarness, TOKEN } from './api-harness.ts'

const DESK = 'https://desk.test'
let api: Harness
let opened: Harness
beforeAll(async () => {
  api = await startHarness()
  opened = await startHarness({ config: { publicUrl: 'https://leads.test', corsOrigins: [DESK] } })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

const bearer = { authorization: `Bearer ${ADMIN_KEY}` }
const get = (harness: Harness, url: string, headers: Record<string, string> = {}) =>
  harness.inject({ method: 'GET', url, headers })
/** Where a harness listens; it begins to when it is first asked. */
async function portOf({ app }: Harness): Promise<number> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}
/** The policy by directive. */
const policyOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(
    String(headers['content-security-policy'])
      .split(';')
      .map((directive) => directive.trim().split(/ (.*)/s, 2)),
  )
const NOTHING = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

describe('every answer', () => {
  it.each([
    ['of the API', '/api/leads', bearer, 200],
    ['without a key', '/api/leads', {}, 401],
    ['of a webhook', `/webhook/textmagic?token=${TOKEN}`, {}, 200],
    ['of a health route', '/healthz', {}, 200],
    ['for nothing', '/nowhere', {}, 404],
    ['with the OpenAPI document', '/docs/json', {}, 200],
  ] as const)('%s keeps a browser from doing anything with it', async (_case, url, sent, status) => {
    const answer = await get(api, url, sent)
    expect(answer.status).toBe(status)
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    })
    expect(policyOf(answer.headers)).toMatchObject(url.startsWith('/docs') ? { 'default-src': "'none'" } : NOTHING)
    expect(answer.headers).not.toHaveProperty('x-powered-by')
    expect(answer.headers).not.toHaveProperty('strict-transport-security')
  })

  it('tells a browser to stay with https where the API is reached by it', async () => {
    const { headers } = await get(opened, '/healthz')
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
  })

  it.each([
    ['/docs/', {}],
    ['/docs/static/index.css', {}],
    ['/admin/queues', bearer],
    ['/admin/queues/static/favicon-32x32.png', bearer],
  ])('of the page %s runs scripts of its own host alone, and none written into it', async (url, sent) => {
    const { status, headers } = await get(api, url, sent)
    expect(status).toBe(200)
    const policy = policyOf(headers)
    expect(policy).toMatchObject({ 'default-src': "'none'", 'script-src': "'self'", 'frame-ancestors': "'none'" })
    expect(JSON.stringify(policy)).not.toMatch(/unsafe-eval|https?:|\*/)
  })
})

describe('a page of another site', () => {
  const preflight = (harness: Harness, origin: string, url = '/api/leads') =>
    harness.inject({
      method: 'OPTIONS',
      url,
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })
  const corsHeaders = (headers: Record<string, unknown>) =>
    Object.keys(headers).filter((name) => name.startsWith('access-control-'))

  it('gets no CORS header by default, whatever it asks', async () => {
    for (const origin of [DESK, 'null', 'http://localhost:3000']) {
      for (const answer of [
        await preflight(api, origin),
        await get(api, '/api/leads', { ...bearer, origin }),
        await get(api, '/docs/json', { origin }),
        await get(api, '/healthz', { origin }),
      ]) {
        expect(corsHeaders(answer.headers)).toEqual([])
      }
    }
    expect((await preflight(api, DESK)).status).not.toBe(204)
  })

  it('named in CORS_ORIGINS may call the API with a key of its own, and send no cookie', async () => {
    const asked = await preflight(opened, DESK)
    expect(asked.status).toBe(204)
    expect(asked.headers['access-control-allow-origin']).toBe(DESK)
    expect(asked.headers).not.toHaveProperty('access-control-allow-credentials')
    const read = await get(opened, '/api/leads', { ...bearer, origin: DESK })
    expect(read.status).toBe(200)
    expect(read.headers).toMatchObject({ 'access-control-allow-origin': DESK, vary: 'Origin' })
    expect((await get(opened, '/api/leads', { origin: DESK })).status).toBe(401)
  })

  it('that is not named is told nothing, and nothing but the API is opened', async () => {
    for (const origin of ['https://desk.test.evil.test', 'https://evil.test', 'http://desk.test', 'null']) {
      expect((await preflight(opened, origin)).headers).not.toHaveProperty('access-control-allow-origin')
      const read = await get(opened, '/api/leads', { ...bearer, origin })
      expect(read.headers).not.toHaveProperty('access-control-allow-origin')
    }
    for (const url of ['/admin/queues', '/docs/json', `/webhook/textmagic?token=${TOKEN}`, '/healthz']) {
      expect(corsHeaders((await get(opened, url, { ...bearer, origin: DESK })).headers)).toEqual([])
    }
  })
})

describe('a request', () => {
  it.each([
    ['PUT', '/api/providers/provider99', { name: 'x'.repeat(20_000), phone: '+13055550199' }],
    ['POST', '/api/unlocks/1/expire', { note: 'x'.repeat(20_000) }],
    ['POST', '/api/escalations/1/resolve', { note: 'x'.repeat(40_000) }],
  ] as const)('%s %s with more than it could need is answered 413', async (method, url, body) => {
    expect((await api.call(method, url, body)).status).toBe(413)
  })

  it('with a lead as large as one may be is taken', async () => {
    const body = { ...LEAD, notes_snippet: '"'.repeat(2000), provider_ids: Array(500).fill('\u0001'.repeat(60)) }
    expect(JSON.stringify(body).length).toBeGreaterThan(180_000)
    expect((await api.call('POST', '/api/leads', body)).status).toBe(422)
  })

  it('may take its time, but not for ever: each wait has an end', () => {
    const { server } = opened.app
    expect(server.headersTimeout).toBe(10_000)
    expect(server.requestTimeout).toBe(30_000)
    expect(server.timeout).toBe(120_000)
    expect(server.keepAliveTimeout).toBe(72_000)
  })

  it.each([
    ['/webhook/stripe', 'application/json'],
    ['/admin/sign-in', 'application/x-www-form-urlencoded'],
    ['/no-such-thing', 'application/json'],
  ])('to %s whose sender goes away before its body ends is logged as no failure of ours', async (path, type) => {
    const { server } = opened.app
    const port = await portOf(opened)
    const given = new Promise((resolve) => server.once('request', (request) => request.once('close', resolve)))
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\n`
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head}{`))
    server.once('request', () => socket.destroy())
    await given
    // By the time that the next one is answered, this one is done with.
    expect((await get(opened, '/healthz')).status).toBe(200)
    expect(opened.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it('whose headers never end is answered 408, and its connection closed', async () => {
    const port = await portOf(api)
    api.app.server.headersTimeout = 50
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: '))
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    await new Promise((resolve) => socket.once('close', resolve))
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer).toContain('application/problem+json')
  })
})
