import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInbox } from '../../src/db/inbox/store.ts'
import { until } from '../support/until.ts'
import { ADMIN_KEY, AMY, BEN, type Harness, OPERATOR_KEY, startHarness } from './api-harness.ts'

let api: Harness
let address: string
beforeAll(async () => {
  api = await startHarness()
  address = await api.app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => api.close())

type Options = { query?: string; headers?: Record<string, string> }
const post = (payload: string | Buffer, { query = '', headers = {} }: Options = {}) =>
  api.inject({
    method: 'POST',
    url: `/api/providers/import${query}`,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'text/csv', ...headers },
    payload,
  })
const csv = (...lines: string[]) => ['id,name,phone', ...lines].join('\n')
const stored = async (...ids: string[]) => {
  const rows = await api.rows<{ id: string; name: string; phone: string; stopped: boolean }>(
    'select id, name, phone, opted_out_at is not null as stopped from providers where id in (?) order by id',
    [ids],
  )
  return rows.map(({ id, name, phone, stopped }) => `${id} ${name} ${phone}${stopped ? ' stopped' : ''}`)
}
const text = (phone: string, words: string) =>
  createInbox(api.db.em, api.sealer).storeInboundSms(
    { id: `${phone}:${words}`, phone, text: words, sentAt: null },
    { raw: Buffer.from('{}'), contentType: 'application/json' },
  )
const faults = ({ body }: Awaited<ReturnType<typeof post>>) =>
  body.errors.map(({ line, field }: { line: number; field: string }) => [line, field])

describe('an import', () => {
  it('creates, updates and leaves alone, counts each, and is audited', async () => {
    await post(csv('imp-1,Ann,(305) 555-0111', 'imp-2,Bob,+13055550112'))
    const text = csv('imp-1,Ann,+13055550111', 'imp-2,Robert,+13055550112', 'imp-3,Cy,+13055550113')
    const { status, body } = await post(text, { headers: { 'x-request-id': 'import-1' } })
    expect([status, body]).toEqual([200, { created: 1, updated: 1, unchanged: 1 }])
    expect(await stored('imp-1', 'imp-2', 'imp-3')).toEqual([
      'imp-1 Ann +13055550111',
      'imp-2 Robert +13055550112',
      'imp-3 Cy +13055550113',
    ])
    expect(await api.rows("select key_name, action, target from audit_log where request_id = 'import-1'")).toEqual([
      { key_name: 'admin', action: 'provider.import', target: 'providers: 1 created, 1 updated' },
    ])
  })

  it('with any line wrong stores nothing, and names every line', async () => {
    const text = csv('all-1,Ann,+13055550121', 'all-2,Bob,12', `all-3,Cy,${AMY.phone}`, 'all-4,,+13055550122')
    const answer = await post(text)
    expect(answer.status).toBe(422)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).toMatchObject({ type: 'urn:lead-unlock:problem:bad-file' })
    expect(answer.body.detail).toBe('Nothing was stored: 3 errors')
    expect(faults(answer)).toEqual([
      [3, 'phone'],
      [4, 'phone'],
      [5, 'name'],
    ])
    expect(await stored('all-1', 'all-2', 'all-3', 'all-4')).toEqual([])
  })

  it('refuses a number of somebody outside the file, by its line', async () => {
    const answer = await post(csv('tak-1,Ann,+13055550123', `tak-2,Bob,${BEN.phone}`))
    expect(answer.status).toBe(422)
    expect(faults(answer)).toEqual([[3, 'phone']])
    expect(await stored('tak-1', 'tak-2', BEN.id)).toEqual([`${BEN.id} ${BEN.name} ${BEN.phone}`])
  })

  it('lets numbers change hands within the file', async () => {
    await post(csv('swap-1,Ann,+13055550124', 'swap-2,Bob,+13055550125', 'swap-3,Cy,+13055550126'))
    const answer = await post(csv('swap-1,Ann,+13055550125', 'swap-2,Bob,+13055550126', 'swap-3,Cy,+13055550124'))
    expect([answer.status, answer.body]).toEqual([200, { created: 0, updated: 3, unchanged: 0 }])
    expect(await stored('swap-1', 'swap-2', 'swap-3')).toEqual([
      'swap-1 Ann +13055550125',
      'swap-2 Bob +13055550126',
      'swap-3 Cy +13055550124',
    ])
  })

  it('leaves a STOP in force, and opts out whoever gets the number it came from', async () => {
    await post(csv('stop-1,Ann,+13055550127', 'stop-2,Bob,+13055550128'))
    await text('+13055550127', 'STOP')
    expect((await post(csv('stop-1,Anna,+13055550129', 'stop-2,Bob,+13055550128'))).status).toBe(200)
    expect(await stored('stop-1', 'stop-2')).toEqual(['stop-1 Anna +13055550129 stopped', 'stop-2 Bob +13055550128'])
    const passedOn = csv('stop-1,Anna,+13055550128', 'stop-2,Bob,+13055550127', 'stop-3,Cy,+13055550129')
    expect((await post(passedOn, { query: '?dry_run=true' })).body).toEqual({ created: 1, updated: 2, unchanged: 0 })
    expect((await post(passedOn)).body).toEqual({ created: 1, updated: 2, unchanged: 0 })
    expect(await stored('stop-1', 'stop-2', 'stop-3')).toEqual([
      'stop-1 Anna +13055550128 stopped',
      'stop-2 Bob +13055550127 stopped',
      'stop-3 Cy +13055550129',
    ])
  })

  it('empties what a cell leaves empty, and leaves what the file has no column for', async () => {
    const full = 'id,name,phone,email,time_zone\nkeep-1,Ann,+13055550131,ann@example.com,America/New_York'
    expect((await post(full)).status).toBe(200)
    expect((await post(csv('keep-1,Ann,+13055550131'))).body).toEqual({ created: 0, updated: 0, unchanged: 1 })
    expect((await post('id,name,phone,email\nkeep-1,Ann,+13055550131,')).body).toMatchObject({ updated: 1 })
    expect(await api.rows("select email, time_zone from providers where id = 'keep-1'")).toEqual([
      { email: null, time_zone: 'America/New_York' },
    ])
  })

  it('as a dry run says what it would do and does nothing', async () => {
    const text = csv('dry-1,Ann,+13055550132', `${AMY.id},Amelia,${AMY.phone}`)
    const before = await api.rows('select count(*) from audit_log')
    const { status, body } = await post(text, { query: '?dry_run=true' })
    expect([status, body]).toEqual([200, { created: 1, updated: 1, unchanged: 0 }])
    expect(await stored('dry-1', AMY.id)).toEqual([`${AMY.id} ${AMY.name} ${AMY.phone}`])
    expect(await api.rows('select count(*) from audit_log')).toEqual(before)
  })

  it('takes 10000 providers', async () => {
    const rows = Array.from({ length: 10_000 }, (_, n) => `bulk-${n},Amy,+1212${String(2_000_000 + n)}`)
    expect((await post(csv(...rows))).body).toEqual({ created: 10_000, updated: 0, unchanged: 0 })
    const moved = rows.map((_, n) => `bulk-${n},Amy,+1212${String(2_000_000 + ((n + 1) % 10_000))}`)
    expect((await post(csv(...moved))).body).toEqual({ created: 0, updated: 10_000, unchanged: 0 })
  })

  it('of several files at once is stored whole, one after the other', async () => {
    const files = Array.from({ length: 6 }, (_, file) =>
      csv(...Array.from({ length: 20 }, (_, n) => `race-${n},F${file},+1646555${1000 + ((n + file) % 20)}`)),
    )
    const answers = await Promise.all(files.map((text) => post(text)))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    const names = await api.rows("select distinct name from providers where id like 'race-%'")
    expect(names).toHaveLength(1)
  })
})

describe('the file', () => {
  const form = (name: string, content: string) => ({
    headers: { 'content-type': 'multipart/form-data; boundary=xyz' },
    payload: `--xyz\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/csv\r\n\r\n${content}\r\n--xyz--\r\n`,
  })

  const field = (name: string, value: string) =>
    `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

  it('may come in a form', async () => {
    const { headers, payload } = form('providers.csv', csv('form-1,Ann,+13055550133'))
    expect((await post(payload, { headers })).body).toEqual({ created: 1, updated: 0, unchanged: 0 })
    const bad = form('providers.csv', csv('form-1,Ann,1'))
    expect((await post(bad.payload, bad)).status).toBe(422)
  })

  it('may have fields of the form around it', async () => {
    const { headers, payload } = form('providers.csv', csv('form-2,Ann,+13055550135'))
    const around = `${field('before', 'x')}${payload.slice(0, -9)}${field('after', 'y')}--xyz--\r\n`
    expect((await post(around, { headers })).body).toEqual({ created: 1, updated: 0, unchanged: 0 })
  })

  it.each([
    ['small', 1],
    ['large', 5_000],
  ])('that shares its %s form with another is refused, and neither is stored', async (_size, rows) => {
    const lines = Array.from({ length: rows }, (_, n) => `two-${n},Ann,+1646777${1000 + n}`)
    const one = form('one.csv', csv(...lines))
    const two = form('two.csv', csv('other-1,Bob,+13055550136'))
    const answer = await post(one.payload.slice(0, -9) + two.payload, one)
    expect([answer.status, answer.body.errors]).toEqual([
      422,
      [{ field: 'file', message: 'must be the only file of the form' }],
    ])
    expect(await stored('two-0', 'other-1')).toEqual([])
  })

  it.each([
    ['a form without a file', 422, 'multipart/form-data; boundary=xyz', '--xyz--\r\n'],
    ['a form that is none', 400, 'multipart/form-data; boundary=xyz', 'nothing'],
    ['a form that ends early', 400, 'multipart/form-data; boundary=xyz', form('a.csv', csv()).payload.slice(0, -9)],
    ['a form of twenty fields', 400, 'multipart/form-data; boundary=xyz', `${field('a', 'b').repeat(20)}--xyz--\r\n`],
    ['JSON', 415, 'application/json', '{}'],
    ['text', 415, 'text/plain', csv()],
  ])('as %s is answered %i', async (_what, status, type, payload) => {
    expect((await post(payload, { headers: { 'content-type': type } })).status).toBe(status)
  })

  it('is not asked for without a key, nor taken by other routes', async () => {
    expect((await post(csv(), { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    const elsewhere = await api.inject({
      method: 'POST',
      url: '/api/leads',
      headers: { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'text/csv' },
      payload: csv(),
    })
    expect(elsewhere.status).toBe(415)
  })

  it.each([
    ['in one piece', {}],
    ['in chunks of unknown number', { 'transfer-encoding': 'chunked' }],
  ])('over 8 MiB %s is refused', async (_how, headers) => {
    const body = Buffer.from(csv(`"${'x'.repeat(8 * 1024 * 1024)}`))
    const sent = httpRequest(`${address}/api/providers/import`, {
      agent: false,
      method: 'POST',
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        'content-type': 'text/csv',
        ...(Object.keys(headers).length === 0 ? { 'content-length': body.length } : headers),
      },
    })
    sent.end(body)
    const [response] = await once(sent, 'response')
    response.resume()
    expect(response.statusCode).toBe(413)
    await once(response, 'end')
  })

  it('behind fields without end is not waited for, and the fields are not kept', async () => {
    const sent = httpRequest(`${address}/api/providers/import`, {
      agent: false,
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...form('', '').headers },
    })
    let ended = false
    for (const end of ['error', 'response', 'close']) {
      sent.on(end, () => {
        ended = true
      })
    }
    api.log.length = 0
    const some = field('a', 'x'.repeat(60_000))
    let bytes = 0
    const send = () => {
      bytes += some.length
      if (!ended) sent.write(some, () => setImmediate(send))
    }
    send()
    await until('the refusal', () => api.log.some((line) => line.includes('"status":400')))
    sent.destroy()
    // What is on its way, and in the buffers of the system, was sent as well.
    expect(bytes).toBeLessThan(30_000_000)
    await until('the end of the connection', async () => (await connections()) === 0)
  })

  it('that breaks off on its way stores nothing and holds nothing', async () => {
    api.log.length = 0
    for (const { headers, payload } of [
      { headers: { 'content-type': 'text/csv' }, payload: csv('off-1,Ann,+13055550134', 'off-2,Bob,+1305') },
      { headers: form('', '').headers, payload: form('a.csv', csv('off-1,Ann,+13055550134')).payload.slice(0, -12) },
    ]) {
      const sent = httpRequest(`${address}/api/providers/import`, {
        agent: false,
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-length': '5000', expect: '100-continue', ...headers },
      })
      sent.on('error', () => undefined)
      sent.flushHeaders()
      await once(sent, 'continue')
      await new Promise((resolve) => sent.write(payload, resolve))
      sent.destroy()
      await until('the end of the connection', async () => (await connections()) === 0)
    }
    expect(await stored('off-1', 'off-2')).toEqual([])
    expect(api.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })
})

const connections = () =>
  new Promise<number>((resolve, reject) => {
    api.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
