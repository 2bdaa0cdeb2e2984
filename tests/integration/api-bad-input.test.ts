import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, AMY, type Harness, LEAD, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const raw = (payload: string | Buffer, type: string | null = 'application/json') =>
  api.inject({
    method: 'POST',
    url: '/api/leads',
    payload,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...(type === null ? {} : { 'content-type': type }) },
  })

describe('a body', () => {
  it.each([
    ['not JSON', '{"city": '],
    ['nothing', ''],
    ['null', 'null'],
    ['an array', '[]'],
    ['a text', '"lead"'],
    ['deep nesting', `${'{"a":'.repeat(25_000)}1${'}'.repeat(25_000)}`],
    ['deep arrays', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a prototype', '{"__proto__": {"city": "x"}}'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['values that are not UTF-8', Buffer.from(JSON.stringify({ ...LEAD, client_name: 'Zoë' }), 'latin1')],
  ])('of %s is answered 400', async (_case, payload) => {
    const { status, headers, body } = await raw(payload)
    expect(status).toBe(400)
    expect(headers['content-type']).toContain('application/problem+json')
    expect(body).toMatchObject({
      type: 'urn:lead-unlock:problem:invalid-request',
      title: expect.any(String),
      status: 400,
      instance: '/api/leads',
      request_id: headers['x-request-id'],
    })
  })

  const { city: _city, ...withoutCity } = LEAD
  it.each([
    ['city', withoutCity, 'is required'],
    ['surprise', { ...LEAD, surprise: 1 }, 'is not a known field'],
    ['config.surprise', { ...LEAD, config: { surprise: 1 } }, 'is not a known field'],
    ['city', { ...LEAD, city: 5 }, 'must be string'],
    ['city', { ...LEAD, city: '' }, expect.any(String)],
    ['city', { ...LEAD, city: 'x'.repeat(101) }, expect.any(String)],
    ['city', { ...LEAD, city: 'a\0b' }, expect.stringContaining('NUL')],
    ['notes_snippet', { ...LEAD, notes_snippet: '\ud800' }, expect.stringContaining('surrogate')],
    ['notes_snippet', { ...LEAD, notes_snippet: {} }, 'must be string or must be null'],
    ['client_phone', { ...LEAD, client_phone: 1234567890 }, 'must be string'],
    ['provider_ids', { ...LEAD, provider_ids: 'provider60' }, 'must be array'],
    ['provider_ids.1', { ...LEAD, provider_ids: [AMY.id, ''] }, expect.any(String)],
    ['provider_ids.0', { ...LEAD, provider_ids: ['\0'] }, expect.any(String)],
    ['provider_ids', { ...LEAD, provider_ids: Array(501).fill('x') }, expect.any(String)],
    ['config.price_cents', { ...LEAD, config: { price_cents: 20.5 } }, 'must be integer'],
    ['config.price_cents', { ...LEAD, config: { price_cents: '2000' } }, 'must be integer'],
    ['config.ttl_hours', { ...LEAD, config: { ttl_hours: 0 } }, expect.any(String)],
    ['config.ttl_hours', { ...LEAD, config: { ttl_hours: 8_761 } }, expect.any(String)],
    ['config', { ...LEAD, config: null }, 'must be object'],
  ])('with a malformed %s (%#) is answered 400 naming it, and nothing else', async (field, body, message) => {
    const before = await api.rows('select 1 from leads')
    const { status, body: problem } = await api.call('POST', '/api/leads', body)
    expect(status).toBe(400)
    expect(problem.errors).toEqual([{ field, message }])
    expect(await api.rows('select 1 from leads')).toHaveLength(before.length)
  })

  it('in which every field is malformed names every field', async () => {
    const fields = [...Object.keys(LEAD), 'provider_ids', 'config']
    const { status, body } = await api.call('POST', '/api/leads', Object.fromEntries(fields.map((name) => [name, 1])))
    expect(status).toBe(400)
    expect(body.errors.map((error: { field: string }) => error.field).sort()).toEqual(fields.sort())
  })

  it('with several malformed fields names them all, and repeats no value', async () => {
    const { body, text } = await api.call('POST', '/api/leads', {
      city: 55555,
      client_phone: { secret: 'very secret' },
    })
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual(
      expect.arrayContaining(['service_type', 'client_name', 'city', 'client_phone']),
    )
    expect(text).not.toMatch(/55555|very secret/)
  })

  it('with any number of unknown fields is told so, in an answer that does not grow with them', async () => {
    for (const count of [10, 60, 20_000]) {
      const unknown = Object.fromEntries(Array.from({ length: count }, (_, n) => [`x${n}`, 1]))
      const { status, body, text } = await api.call('POST', '/api/leads', { ...LEAD, ...unknown })
      expect(status).toBe(400)
      expect(body.errors).toContainEqual({ field: 'x0', message: 'is not a known field' })
      expect(text.length).toBeLessThan(5_000)
    }
  })

  it('that is empty is none, though its type is said to be JSON: many clients say so with every call', async () => {
    const created = await api.call('POST', '/api/leads', { ...LEAD, provider_ids: [AMY.id] })
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', 'content-length': '0' }
    const send = (method: 'POST' | 'DELETE', url: string) => api.inject({ method, url, headers })
    expect((await send('POST', `/api/unlocks/${created.body.unlocks[0].id}/expire`)).status).toBe(200)
    expect((await send('DELETE', `/api/leads/${created.body.lead.id}/contact`)).status).toBe(204)
    const { status, body } = await send('POST', '/api/leads')
    expect([status, body.errors]).toEqual([400, [{ field: 'body', message: 'must be object' }]])
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'no/such; type', '', null])(
    'of content type %j is answered 415',
    async (type) => {
      const { status, body } = await raw(JSON.stringify(LEAD), type)
      expect([status, body.status]).toEqual([415, 415])
    },
  )

  it('over 256 KiB is answered 413', async () => {
    const { status, body } = await api.call('POST', '/api/leads', { ...LEAD, notes_snippet: 'x'.repeat(256 * 1024) })
    expect(status).toBe(413)
    expect(body.type).toBe('urn:lead-unlock:problem:too-large')
  })

  it('with everything that strains a text is stored and given back as it was', async () => {
    const strange = 'Ünïcode 👍🏽 \u202e "quotes" \'; drop table leads; -- ? ?? $1 \\ %s {x} \u0001'
    const created = await api.call('POST', '/api/leads', { ...LEAD, notes_snippet: strange, client_name: strange })
    expect(created.status).toBe(201)
    const { body } = await api.call('GET', `/api/leads/${created.body.lead.id}?include_locked=true`)
    expect(body.lead).toMatchObject({ notes_snippet: strange, client_name: strange })
  })
})

describe('a path', () => {
  it.each([
    ['/nowhere', 404],
    ['/api/leads/%zz', 400],
    ['/api/leads/%E0%A4%A', 400],
    ['/api/providers/%00', 400],
    ['/api/providers/%ED%A0%80', 400],
    ['/api/leads?limit=%zz', 400],
    [`/api/leads/${'x'.repeat(5000)}`, 400],
    ['/api/../../etc/passwd', 404],
  ])('%s is answered as a problem', async (url, expected) => {
    const { status, headers, body } = await api.call('GET', url)
    expect(status).toBe(expected)
    expect(headers['content-type']).toContain('application/problem+json')
    expect(body.status).toBe(status)
  })
})

describe('over the wire', () => {
  let port = 0
  beforeAll(async () => {
    port = Number(new URL(await api.app.listen({ host: '127.0.0.1', port: 0 })).port)
  })

  const exchange = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      let answer = ''
      socket.on('data', (data) => {
        answer += data
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', reject)
    })

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['headers beyond measure', `GET /healthz HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /api/leads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ])('%s is answered as a problem', async (_case, text, status) => {
    const answer = await exchange(text)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain('application/problem+json')
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status })
  })

  it('a body that grows past 256 KiB without saying its length is answered 413', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(
        {
          port,
          path: '/api/leads',
          method: 'POST',
          agent: false,
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
        },
        (response) => {
          response.resume()
          resolve(response.statusCode)
          outgoing.destroy()
        },
      )
      outgoing.on('error', reject)
      outgoing.write(Buffer.alloc(200 * 1024, ' '))
      outgoing.write(Buffer.alloc(200 * 1024, ' '))
    })
    expect(status).toBe(413)
  })

  it.each(['/api/leads', '/nowhere'])(
    'QUERY %s, which no route takes, is answered 404 also without a body',
    async (path) => {
      const answer = await exchange(`QUERY ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1.1 404 /)
    },
  )

  it('a webhook without a content type is understood', async () => {
    const body = '{"id": 77001, "sender": "13055550160", "text": "Y"}'
    const answer = await exchange(
      `POST /webhook/textmagic?token=token-for-tests HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
    expect(await api.rows("select source from webhook_inbox where external_id = '77001'")).toEqual([
      { source: 'textmagic' },
    ])
  })
})

it('nothing of all this was answered 500, and no line of the log holds a locked field or a key', async () => {
  await api.call('POST', '/api/leads', LEAD)
  const log = api.log.join('')
  expect(log).not.toContain('"status":500')
  for (const secret of [LEAD.client_name, LEAD.client_phone, LEAD.client_email, LEAD.exact_address, ADMIN_KEY]) {
    expect(log).not.toContain(secret)
  }
})
