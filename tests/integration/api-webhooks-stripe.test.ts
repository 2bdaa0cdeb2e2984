import { createHmac, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { inboxPlace } from '../../src/db/inbox/store.ts'
import { type Harness, STRIPE_SECRET, startHarness } from './api-harness.ts'

const OLD_SECRET = 'whsec_the_old_one'

let api: Harness
beforeAll(async () => {
  api = await startHarness({ config: { stripeWebhookSecrets: [STRIPE_SECRET, OLD_SECRET] } })
})
afterAll(() => api.close())

const now = () => Math.floor(Date.now() / 1000)
const sign = (body: Buffer | string, secret = STRIPE_SECRET, at = now()) => {
  const hmac = createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')
  return `t=${at},v1=${hmac}`
}
const event = (fields: object = {}) => ({
  id: `evt_${randomBytes(8).toString('hex')}`,
  object: 'event',
  type: 'checkout.session.completed',
  data: { object: { id: 'cs_test_1' } },
  ...fields,
})
const post = (payload: Buffer | string, signature: string | null, headers: Record<string, string> = {}) =>
  api.inject({
    method: 'POST',
    url: '/webhook/stripe',
    payload,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(signature === null ? {} : { 'stripe-signature': signature }),
      ...headers,
    },
  })
const inbox = (id: string) =>
  api.rows<{ id: string; sealed_body: string; status: string }>(
    "select * from webhook_inbox where source = 'stripe' and external_id = ?",
    [id],
  )

describe('an event of Stripe', () => {
  it('is stored as it came and its handling woken up', async () => {
    const sent = event()
    const body = JSON.stringify(sent, null, 2)
    const answer = await post(body, sign(body), { 'x-request-id': 'stripe-1' })
    expect(answer).toMatchObject({ status: 200, body: { received: true, duplicate: false } })
    const [row] = await inbox(sent.id)
    expect(row && api.sealer.open(row.sealed_body, inboxPlace('stripe', sent.id))).toBe(body)
    expect(await api.jobs('handle-payment')).toContainEqual({
      data: { inbox_id: Number(row?.id), request_id: 'stripe-1' },
      delay: 0,
    })
  })

  it('that arrives several times at once is stored once', async () => {
    const sent = event()
    const body = JSON.stringify(sent)
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(body, sign(body))))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    expect(await inbox(sent.id)).toHaveLength(1)
  })

  it('was made when Stripe says, also where the clock of the API is behind, and never later than it came', async () => {
    const created = now() - 10
    const [sent, ahead] = [event({ created }), event({ created: created + 3_600 })]
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 60_000 })
    onTestFinished(() => void vi.useRealTimers())
    for (const body of [sent, ahead].map((one) => JSON.stringify(one))) {
      expect((await post(body, sign(body))).status).toBe(200)
    }
    const madeBy = (id: string, time: string) =>
      api.rows(`select from webhook_inbox where external_id = ? and sent_at <= ${time}`, [id])
    expect(await madeBy(sent.id, `to_timestamp(${created})`)).toHaveLength(1)
    expect(await madeBy(ahead.id, 'app_now()')).toHaveLength(1)
  })

  it('signed with the older secret is accepted while the secret is rolled', async () => {
    const body = JSON.stringify(event())
    expect((await post(body, sign(body, OLD_SECRET))).status).toBe(200)
  })

  it.each([
    ['no signature', (_body: string) => null],
    ['a wrong secret', (body: string) => sign(body, 'whsec_wrong')],
    ['a signature over another body', () => sign('{}')],
    ['a signature from six minutes ago', (body: string) => sign(body, STRIPE_SECRET, now() - 360)],
    ['a signature from six minutes ahead', (body: string) => sign(body, STRIPE_SECRET, now() + 360)],
    ['nonsense', () => 't=,v1='],
    ['a signature left out', () => `t=${now()},v1`],
  ])('with %s is refused with 400 and not stored', async (_case, signature) => {
    const sent = event()
    const body = JSON.stringify(sent)
    const answer = await post(body, signature(body))
    expect(answer.status).toBe(400)
    expect(answer.body.type).toBe('urn:lead-unlock:problem:bad-signature')
    expect(await inbox(sent.id)).toEqual([])
  })

  it.each([
    ['not JSON', 'hello'],
    ['JSON that is no event', '[]'],
    ['an id that is no text', '{"id": 5, "type": "x"}'],
    ['an id that cannot be stored', '{"id": "evt_\\u0000", "type": "x"}'],
    ['an id beyond measure', JSON.stringify({ id: 'e'.repeat(300), type: 'x' })],
    ['bytes that are not UTF-8', Buffer.from([255, 0, 254])],
    ['nothing', ''],
  ])('truly signed but %s is kept, answered 200 and escalated', async (_case, body) => {
    const before = await api.rows("select 1 from escalations where kind = 'unintelligible_webhook'")
    const answer = await post(body, sign(body))
    expect(answer.status).toBe(200)
    const after = await api.rows("select 1 from escalations where kind = 'unintelligible_webhook'")
    expect(after).toHaveLength(before.length + 1)
  })

  it('is answered 503 when it could not be stored, so that Stripe sends it again', async () => {
    await api.rows('alter table webhook_inbox rename to inbox_away')
    try {
      const body = JSON.stringify(event())
      expect((await post(body, sign(body))).status).toBe(503)
    } finally {
      await api.rows('alter table inbox_away rename to webhook_inbox')
    }
  })

  it('is answered 503 while Postgres refuses our password', async () => {
    const url = new URL(api.databaseUrl)
    url.password = 'the-one-before'
    const refused = await startHarness({ databaseUrl: url.href })
    try {
      const payload = JSON.stringify(event())
      const headers = { 'content-type': 'application/json', 'stripe-signature': sign(payload) }
      expect((await refused.inject({ method: 'POST', url: '/webhook/stripe', payload, headers })).status).toBe(503)
    } finally {
      await refused.close()
    }
  })

  it('is answered 200 while Redis is away', async () => {
    const away = await startHarness({ redisUrl: 'redis://127.0.0.1:1' })
    try {
      const body = JSON.stringify(event())
      const answer = await away.inject({
        method: 'POST',
        url: '/webhook/stripe',
        payload: body,
        headers: { 'content-type': 'application/json', 'stripe-signature': sign(body) },
      })
      expect(answer.status).toBe(200)
      expect(await away.rows('select status from webhook_inbox')).toEqual([{ status: 'received' }])
    } finally {
      await away.close()
    }
  })

  it('over 256 KiB is refused with 413', async () => {
    const body = JSON.stringify(event({ padding: 'x'.repeat(256 * 1024) }))
    expect((await post(body, sign(body))).status).toBe(413)
  })
})
