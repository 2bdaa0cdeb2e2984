import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inboxPlace } from '../../src/db/inbox/store.ts'
import { AMY, BEN, type Harness, startHarness, TOKEN } from './api-harness.ts'

const INBOUND = `/webhook/textmagic?token=${TOKEN}`
const DELIVERY = `/webhook/textmagic/delivery?token=${TOKEN}`

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

let lastId = 1_782_832
const reply = (text: string, fields: Record<string, unknown> = {}) => {
  lastId += 1
  return {
    id: lastId,
    sender: AMY.phone.slice(1),
    receiver: '13055550199',
    messageTime: '2012-11-28T18:38:28+0000',
    text,
    ...fields,
  }
}
const receipt = (fields: Record<string, unknown> = {}) => {
  lastId += 1
  return {
    ...reply('Amy, new client inquiry'),
    id: lastId,
    sender: '13055550199',
    receiver: AMY.phone.slice(1),
    status: 'd',
    referenceId: '7',
    ...fields,
  }
}

type Fields = Record<string, unknown>
const texts = (fields: Fields) => Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)])
const encodings: Record<string, (fields: Fields) => Promise<{ type: string; bytes: Buffer }>> = {
  JSON: async (fields) => ({ type: 'application/json', bytes: Buffer.from(JSON.stringify(fields)) }),
  urlencoded: async (fields) => ({
    type: 'application/x-www-form-urlencoded',
    bytes: Buffer.from(new URLSearchParams(texts(fields)).toString()),
  }),
  multipart: async (fields) => {
    const form = new FormData()
    for (const [name, value] of texts(fields)) form.append(name, value)
    const response = new Response(form)
    return { type: response.headers.get('content-type') ?? '', bytes: Buffer.from(await response.arrayBuffer()) }
  },
}
const encoded = async (name: string, fields: Fields) => {
  const encode = encodings[name]
  if (encode === undefined) throw new Error(name)
  return encode(fields)
}

const post = (url: string, bytes: Buffer | string, type?: string, headers: Record<string, string> = {}) =>
  api.inject({
    method: 'POST',
    url,
    payload: bytes,
    headers: { ...(type === undefined ? {} : { 'content-type': type }), ...headers },
  })
const postJson = (url: string, fields: Fields, headers?: Record<string, string>) =>
  post(url, JSON.stringify(fields), 'application/json', headers)

type Row = {
  id: string
  source: 'textmagic' | 'textmagic_delivery'
  external_id: string
  status: string
  content_type: string
  sealed_body: string
  provider_id: string | null
  sent_at: Date | null
  request_id: string | null
}
const inbox = (externalId: string) => api.rows<Row>('select * from webhook_inbox where external_id = ?', [externalId])
const provider = async (id: string) =>
  (
    await api.rows<{ opted_out_at: Date | null; subscription_changed_at: Date | null }>(
      'select * from providers where id = ?',
      [id],
    )
  )[0]
const jobsFor = async (name: 'handle-reply' | 'handle-receipt' | 'alert', id: string | undefined) =>
  (await api.jobs(name)).filter(({ data }) => data.inbox_id === Number(id))

describe('an inbound text', () => {
  it.each(Object.keys(encodings))('in %s is stored byte for byte, and its handling woken up', async (encoding) => {
    const fields = reply('Y lead_abc12345 – “ja” 👍')
    const { type, bytes } = await encoded(encoding, fields)
    const answer = await post(INBOUND, bytes, type, { 'x-request-id': `inbound-${encoding}` })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ received: true, duplicate: false })
    const [row] = await inbox(String(fields.id))
    expect(row).toMatchObject({
      source: 'textmagic',
      status: 'received',
      content_type: type,
      provider_id: AMY.id,
      request_id: `inbound-${encoding}`,
    })
    expect(row && api.sealer.openBytes(row.sealed_body, inboxPlace(row.source, row.external_id))).toEqual(bytes)
    expect(new Date(row?.sent_at ?? 0).toISOString()).toBe('2012-11-28T18:38:28.000Z')
    expect(await jobsFor('handle-reply', row?.id)).toEqual([
      { data: { inbox_id: Number(row?.id), request_id: `inbound-${encoding}` }, delay: 0 },
    ])
  })

  it.each([
    ['missing', undefined],
    ['nonsense', 'no/such type; ;;=\u00e9'],
    ['that of another encoding', 'multipart/form-data'],
    ['text', 'text/plain'],
  ])('is understood whatever its content type says (%s)', async (_case, type) => {
    const fields = reply('Y')
    expect((await post(INBOUND, JSON.stringify(fields), type)).status).toBe(200)
    expect(await inbox(String(fields.id))).toMatchObject([{ source: 'textmagic', status: 'received' }])
  })

  it('that arrives twice is stored once, and woken up again while nobody has handled it', async () => {
    const fields = reply('Y')
    await postJson(INBOUND, fields)
    const again = await postJson(INBOUND, fields)
    expect(again).toMatchObject({ status: 200, body: { received: true, duplicate: true } })
    const [row, ...others] = await inbox(String(fields.id))
    expect(others).toEqual([])
    expect(await jobsFor('handle-reply', row?.id)).toHaveLength(2)
    await api.rows("update webhook_inbox set status = 'processed' where id = ?", [row?.id])
    await postJson(INBOUND, fields)
    expect(await jobsFor('handle-reply', row?.id)).toHaveLength(2)
  })

  it('sent many times at once is stored once', async () => {
    const fields = reply('Y')
    const answers = await Promise.all(Array.from({ length: 8 }, () => postJson(INBOUND, fields)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1)
    expect(await inbox(String(fields.id))).toHaveLength(1)
  })

  it('from an unknown sender is stored without a provider', async () => {
    const fields = reply('hello', { sender: '447860021130' })
    await postJson(INBOUND, fields)
    expect(await inbox(String(fields.id))).toMatchObject([{ provider_id: null, status: 'received' }])
  })

  it('at the delivery URL is stored as an inbound text', async () => {
    const fields = reply('Y')
    await postJson(DELIVERY, fields)
    expect(await inbox(String(fields.id))).toMatchObject([{ source: 'textmagic' }])
  })

  it('with a time to come is stored with the time of its arrival, so that it cannot outlast a later START', async () => {
    const fields = reply('Y', { messageTime: '2150-01-01T00:00:00+0000' })
    await postJson(INBOUND, fields)
    const [row] = await inbox(String(fields.id))
    expect(new Date(row?.sent_at ?? 0).getFullYear()).toBeLessThan(2150)
  })

  it('is answered 200 while Redis is away', async () => {
    const away = await startHarness({ redisUrl: 'redis://127.0.0.1:1' })
    try {
      const answer = await away.inject({
        method: 'POST',
        url: INBOUND,
        payload: JSON.stringify(reply('STOP')),
        headers: { 'content-type': 'application/json' },
      })
      expect(answer.status).toBe(200)
      expect(await away.rows('select status from webhook_inbox')).toEqual([{ status: 'received' }])
    } finally {
      await away.close()
    }
  })

  it('is answered 503 while Postgres is away', async () => {
    const away = await startHarness({ databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing' })
    try {
      const answer = await away.inject({
        method: 'POST',
        url: INBOUND,
        payload: JSON.stringify(reply('Y')),
        headers: { 'content-type': 'application/json' },
      })
      expect(answer.status).toBe(503)
      expect(answer.body).toMatchObject({ type: 'urn:lead-unlock:problem:unavailable' })
      expect(answer.text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1/)
      expect(answer.headers['retry-after']).toBe('5')
    } finally {
      await away.close()
    }
  })
})

describe('STOP', () => {
  it('takes effect before it is answered', async () => {
    await api.rows("insert into providers (id, name, phone) values ('stopper', 'Sue', '+13055550170')")
    const fields = reply('Stop!', { sender: '13055550170' })
    expect((await postJson(INBOUND, fields)).status).toBe(200)
    const stopped = await provider('stopper')
    expect(stopped?.opted_out_at).not.toBeNull()
    expect(new Date(stopped?.subscription_changed_at ?? 0).toISOString()).toBe('2012-11-28T18:38:28.000Z')
  })

  it('that arrives after a newer START changes nothing', async () => {
    await api.rows(
      "insert into providers (id, name, phone, subscription_changed_at) values ('back', 'Bo', '+13055550171', '2012-11-28T18:38:29Z')",
    )
    await postJson(INBOUND, reply('STOP', { sender: '13055550171' }))
    expect((await provider('back'))?.opted_out_at).toBeNull()
  })

  it('delivered a second time after a START does not unsubscribe again', async () => {
    await api.rows("insert into providers (id, name, phone) values ('again', 'Al', '+13055550172')")
    const fields = reply('STOP', { sender: '13055550172', messageTime: '' })
    await postJson(INBOUND, fields)
    await api.rows("update providers set opted_out_at = null, subscription_changed_at = app_now() where id = 'again'")
    await postJson(INBOUND, fields)
    expect((await provider('again'))?.opted_out_at).toBeNull()
  })

  it.each(['Please stop by at 5', 'Liked “… Reply Y … STOP”', 'Y', ''])('is not read into %j', async (text) => {
    await postJson(INBOUND, reply(text, { sender: BEN.phone.slice(1) }))
    expect((await provider(BEN.id))?.opted_out_at).toBeNull()
  })
})

describe('a delivery receipt', () => {
  it.each([INBOUND, DELIVERY])('at %s is stored as a receipt, once per status', async (url) => {
    const fields = receipt()
    for (const status of ['f', 'd', 'd']) expect((await postJson(url, { ...fields, status })).status).toBe(200)
    const rows = await api.rows<Row>('select * from webhook_inbox where external_id like ? order by id', [
      `${fields.id}:%`,
    ])
    expect(rows).toMatchObject([
      { source: 'textmagic_delivery', external_id: `${fields.id}:f`, status: 'received', provider_id: null },
      { source: 'textmagic_delivery', external_id: `${fields.id}:d` },
    ])
    expect(await jobsFor('handle-receipt', rows[0]?.id)).toHaveLength(1)
    expect(await jobsFor('handle-reply', rows[0]?.id)).toEqual([])
  })

  it('quoting our text in which STOP stands does not unsubscribe anybody', async () => {
    await postJson(INBOUND, receipt({ text: 'STOP', sender: BEN.phone.slice(1) }))
    expect((await provider(BEN.id))?.opted_out_at).toBeNull()
  })
})

describe('what cannot be understood', () => {
  const hostile: [string, Buffer | string, string | undefined][] = [
    ['broken JSON', '{"id": 5, "sender"', 'application/json'],
    ['a JSON array', '[1,2,3]', 'application/json'],
    ['a JSON text', '"hello"', 'application/json'],
    ['deep JSON', '['.repeat(100_000), 'application/json'],
    ['a text without an id', JSON.stringify({ sender: '13055550160', text: 'Y' }), 'application/json'],
    ['a text without a sender', JSON.stringify({ id: 5, text: 'Y' }), 'application/json'],
    ['an id with a NUL', JSON.stringify({ id: 'a\0b', sender: '13055550160', text: 'Y' }), 'application/json'],
    ['an id beyond 2^53', '{"id": 123456789012345678901, "sender": "13055550160", "text": "Y"}', 'application/json'],
    ['a sender with a lone surrogate', '{"id": 5, "sender": "\\ud800", "text": "Y"}', 'application/json'],
    [
      'a receipt without a status',
      JSON.stringify({ id: 5, referenceId: 9, text: 'x', sender: '1' }),
      'application/json',
    ],
    ['a status of nonsense', JSON.stringify({ id: 5, status: { a: 1 } }), 'application/json'],
    ['bytes', Buffer.from([0, 255, 254, 0, 192, 128]), 'application/octet-stream'],
    [
      'broken multipart',
      '--x\r\nContent-Disposition: form-data; name="id"\r\n\r\n5',
      'multipart/form-data; boundary=x',
    ],
    ['multipart without a boundary', 'abc', 'multipart/form-data'],
    ['broken percent-encoding without a sender', 'id=%zz&text=%', 'application/x-www-form-urlencoded'],
    ['prototype names', '{"__proto__": {"id": 5}, "constructor": {"prototype": {}}}', 'application/json'],
  ]
  it.each(hostile)('(%s) is kept, answered 200 and escalated once', async (_case, body, type) => {
    const before = await api.rows<{ id: string }>('select id from webhook_inbox')
    expect((await post(INBOUND, body, type)).status).toBe(200)
    expect((await post(INBOUND, body, type)).body.duplicate).toBe(true)
    const rows = await api.rows<Row>('select * from webhook_inbox where not id = any(?::bigint[])', [
      `{${before.map(({ id }) => id).join(',')}}`,
    ])
    expect(rows).toMatchObject([{ status: 'failed', outcome: 'unintelligible' }])
    const [row] = rows
    expect(row?.external_id).toMatch(/^unparsed:[0-9a-f]{64}$/)
    expect(row && api.sealer.openBytes(row.sealed_body, inboxPlace(row.source, row.external_id))).toEqual(
      Buffer.from(body),
    )
    const escalations = await api.rows<{ id: number; kind: string }>('select * from escalations where subject = ?', [
      `inbox:${row?.id}`,
    ])
    expect(escalations).toMatchObject([{ kind: 'unintelligible_webhook' }])
    expect((await api.jobs('alert')).filter(({ data }) => data.escalation_id === escalations[0]?.id)).toHaveLength(1)
    expect(await jobsFor('handle-reply', row?.id)).toEqual([])
  })
})

describe('the callback URL', () => {
  it.each([
    ['GET', INBOUND],
    ['HEAD', INBOUND],
    ['POST', INBOUND],
    ['GET', DELIVERY],
    ['HEAD', DELIVERY],
    ['POST', DELIVERY],
  ] as const)('answers an empty %s %s with 200 and keeps nothing', async (method, url) => {
    const before = await api.rows('select 1 from webhook_inbox')
    expect((await api.inject({ method, url })).status).toBe(200)
    expect(await api.rows('select 1 from webhook_inbox')).toHaveLength(before.length)
  })

  it.each([
    ['no token', ''],
    ['a wrong token', '?token=wrong'],
    ['an empty token', '?token='],
    ['two tokens', `?token=${TOKEN}&token=${TOKEN}`],
    ['bad percent-encoding', '?token=%zz'],
  ])('refuses %s with 401 and keeps nothing', async (_case, query) => {
    for (const path of ['/webhook/textmagic', '/webhook/textmagic/delivery']) {
      const fields = reply('Y')
      const answer = await postJson(`${path}${query}`, fields)
      expect(answer.status).toBe(401)
      expect(answer.headers['content-type']).toContain('application/problem+json')
      expect(await inbox(String(fields.id))).toEqual([])
    }
  })

  it('asks for no token when none is configured', async () => {
    const open = await startHarness({ config: { textmagicWebhookToken: null } })
    try {
      const headers = { 'content-type': 'application/json' }
      const answer = await open.inject({
        method: 'POST',
        url: '/webhook/textmagic',
        payload: JSON.stringify(reply('Y')),
        headers,
      })
      expect(answer.status).toBe(200)
    } finally {
      await open.close()
    }
  })

  it('refuses a body over 256 KiB with 413', async () => {
    const answer = await post(INBOUND, Buffer.alloc(256 * 1024 + 1, 'a'), 'application/json')
    expect(answer.status).toBe(413)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect((await post(INBOUND, Buffer.alloc(256 * 1024, 'a'), 'application/json')).status).toBe(200)
  })

  it('writes neither the token nor a number nor a text into the log', async () => {
    await postJson(INBOUND, reply('a very special text'))
    const log = api.log.join('')
    for (const secret of [TOKEN, AMY.phone.slice(1), 'a very special text']) expect(log).not.toContain(secret)
    expect(log).toContain('/webhook/textmagic')
  })
})
