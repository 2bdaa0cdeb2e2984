import { expect, test } from 'vitest'
import type { StripeEmulator } from '../../src/sandbox/stripe/emulator.ts'
import { linkParams, startReceiver, startStripe } from './sandbox-stripe-harness.ts'

function controlsOf(emulator: StripeEmulator) {
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${emulator.url}/_control/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { post: (path: string, body: unknown) => call('POST', path, body), get: (path: string) => call('GET', path) }
}

test('another process pays by URL or id, settles, refunds and disputes', async () => {
  const { emulator, stripe } = await startStripe()
  const { post, get } = controlsOf(emulator)
  const newLink = () => stripe.paymentLinks.create(linkParams())
  const paid = await post('pay', { url: (await newLink()).url, email: 'amy@example.com' })
  expect(paid).toMatchObject({
    status: 200,
    body: { session: { payment_status: 'paid' }, payment_intent: { status: 'succeeded' } },
  })

  const late = await post('pay', { link: (await newLink()).id, async: true })
  expect(late.body.session.payment_status).toBe('unpaid')
  const settled = await post('settle', { session: late.body.session.id, outcome: 'succeeded' })
  expect(settled.body.session.payment_status).toBe('paid')

  await post('refund_plan', { outcome: 'pending' })
  const refund = await post('refund', { payment_intent: paid.body.payment_intent.id, amount: 500 })
  expect(refund.body).toMatchObject({ amount: 500, status: 'pending' })
  expect((await post('settle', { refund: refund.body.id, outcome: 'failed' })).body.status).toBe('failed')
  const dispute = await post('dispute', { payment_intent: paid.body.payment_intent.id })
  expect(dispute.body.status).toBe('needs_response')
  expect((await post('dispute', { payment_intent: paid.body.payment_intent.id, close: 'lost' })).body.status).toBe(
    'lost',
  )

  const state = await get('state')
  expect(state.body).toMatchObject({
    links: [{ active: false }, { active: false }],
    sessions: [{ status: 'complete' }, { status: 'complete' }],
    refunds: [{ status: 'failed' }],
    disputes: [{ status: 'lost' }],
  })
  expect(state.body.events[0]).toMatchObject({
    delivered: true,
    attempts: [],
    event: { type: 'payment_intent.succeeded' },
  })
})

test('another process provokes a late, a double and a wrong payment', async () => {
  const { emulator, stripe } = await startStripe()
  const { post } = controlsOf(emulator)
  const { id } = await stripe.paymentLinks.create(linkParams())
  const { body: session } = await post('sessions', { link: id })
  await stripe.paymentLinks.update(id, { active: false })
  expect((await post('pay', { link: id })).body.session.id).toBe(session.id)
  expect((await post('pay', { link: id })).status).toBe(409)
  const double = await post('pay', {
    link: id,
    force: true,
    amount: 1,
    currency: 'eur',
    metadata: { unlock_id: '404' },
  })
  expect(double.body.session).toMatchObject({ amount_total: 1, currency: 'eur', metadata: { unlock_id: '404' } })

  const other = await stripe.paymentLinks.create(linkParams())
  const { body: open } = await post('sessions', { link: other.id })
  expect((await post('expire', { session: open.id })).body.status).toBe('expired')
  expect((await post('pay', { session: open.id })).status).toBe(409)
})

test('another process holds, moves, repeats and invents events', async () => {
  const receiver = await startReceiver()
  const { emulator } = await startStripe()
  const { post } = controlsOf(emulator)
  await post('webhooks', { url: receiver.url, secret: ['whsec_a', 'whsec_b'], hold: true })
  const invented = await post('events', { type: 'payment_link.payment_succeeded', object: { id: 'plink_x' } })
  expect(receiver.received).toEqual([])
  expect((await post('webhooks', { release: { duplicate: true } })).status).toBe(204)
  const resent = await post('events/resend', { event: invented.body.id, duplicate: true })
  expect(resent.body).toMatchObject([{ status: 200 }, { status: 200 }])
  expect(receiver.events('whsec_b').map((event) => event.id)).toEqual(Array(4).fill(invented.body.id))
})

test('another process injects faults, moves the clock and reads the requests without the key', async () => {
  const { emulator, stripe } = await startStripe()
  const { post, get } = controlsOf(emulator)
  const create = () => stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'unlock-12' })
  await post('faults', { kind: 'status', status: 500 })
  await expect(create()).rejects.toMatchObject({ statusCode: 500 })
  await post('recorded_faults', { kind: 'status', status: 503 })
  await expect(create()).rejects.toMatchObject({ statusCode: 503 })
  await expect(create()).rejects.toMatchObject({ statusCode: 503 })
  await post('clock', { advance_seconds: 24 * 60 * 60 })
  await create()

  const { body: requests } = await get('requests')
  expect(requests.map((request: { status: number; replayed: boolean }) => [request.status, request.replayed])).toEqual([
    [500, false],
    [503, false],
    [503, true],
    [200, false],
  ])
  expect(requests[3]).toMatchObject({ method: 'POST', path: '/v1/payment_links', idempotency_key: 'unlock-12' })
  expect(JSON.stringify(requests)).not.toContain('sk_test')
})

test('a control that is misspelt, or about nothing, is refused', async () => {
  const { emulator } = await startStripe()
  const { post } = controlsOf(emulator)
  expect((await post('pay', { link: 'plink_no' })).status).toBe(404)
  expect((await post('pay', { link: 'plink_no', amonut: 1 })).status).toBe(400)
  expect((await post('pay', {})).status).toBe(404)
  expect((await post('faults', { kind: 'status', staus: 500 })).status).toBe(400)
  expect((await post('recorded_faults', { kind: 'hang' })).status).toBe(400)
  expect((await post('events/resend', { event: 'evt_no' })).status).toBe(404)
  expect((await post('dispute', { payment_intent: 'pi_no' })).status).toBe(404)
  expect((await post('settle', { refund: 're_no', outcome: 'failed' })).status).toBe(404)
})
