import type Stripe from 'stripe'
import { expect, test } from 'vitest'
import { linkParams, startReceiver, startStripe } from './sandbox-stripe-harness.ts'

test('a paid link ends paid, inactive, with its metadata on session and PaymentIntent, and is reported by signed events', async () => {
  const receiver = await startReceiver()
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const link = await stripe.paymentLinks.create(linkParams())
  expect(link).toMatchObject({ object: 'payment_link', active: true, currency: 'usd', livemode: false })
  expect(link.url).toBe(`${emulator.url}/pay/${link.id}`)
  expect(link.restrictions).toEqual({ completed_sessions: { count: 0, limit: 1 } })

  const { session, paymentIntent } = await emulator.payLink(link.url, { email: 'amy@example.com' })
  await emulator.webhooksIdle()

  expect(await stripe.paymentLinks.retrieve(link.id)).toMatchObject({
    active: false,
    restrictions: { completed_sessions: { count: 1, limit: 1 } },
  })
  expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    id: expect.stringMatching(/^cs_test_/),
    status: 'complete',
    payment_status: 'paid',
    payment_link: link.id,
    payment_intent: paymentIntent.id,
    amount_total: 2000,
    currency: 'usd',
    metadata: { lead_id: 'lead_abc12345', provider_id: 'provider60', unlock_id: '12' },
    customer_details: { email: 'amy@example.com' },
    url: null,
  })
  expect(await stripe.paymentIntents.retrieve(paymentIntent.id)).toMatchObject({
    status: 'succeeded',
    amount_received: 2000,
    metadata: { unlock_id: '12' },
  })
  const events = receiver.events()
  expect(events.map((event) => event.type).sort()).toEqual(['checkout.session.completed', 'payment_intent.succeeded'])
  expect(events[0]).toMatchObject({ object: 'event', api_version: '2026-10-28.endive', pending_webhooks: 1 })
  expect(dataOf(events, 'checkout.session.completed')).toMatchObject({ id: session.id, payment_link: link.id })
})

test('a payment that settles later completes unpaid and is confirmed or failed afterwards', async () => {
  const receiver = await startReceiver()
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const pay = async () =>
    (await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id, { async: true })).session
  const [good, bad] = [await pay(), await pay()]
  expect(good).toMatchObject({ status: 'complete', payment_status: 'unpaid' })
  await emulator.settleAsync(good.id, 'succeeded')
  await emulator.settleAsync(bad.id, 'failed')
  await emulator.webhooksIdle()

  expect((await stripe.checkout.sessions.retrieve(good.id)).payment_status).toBe('paid')
  expect((await stripe.checkout.sessions.retrieve(bad.id)).payment_status).toBe('unpaid')
  const events = receiver.events()
  expect(dataOf(events, 'checkout.session.completed')).toMatchObject({ payment_status: 'unpaid' })
  expect(dataOf(events, 'checkout.session.async_payment_succeeded')).toMatchObject({
    id: good.id,
    payment_status: 'paid',
  })
  expect(dataOf(events, 'checkout.session.async_payment_failed')).toMatchObject({
    id: bad.id,
    payment_status: 'unpaid',
  })
  await expect(emulator.settleAsync(good.id, 'failed')).rejects.toMatchObject({ code: 'not_settleable' })
})

test('deactivating a link stops new sessions, not the one already open', async () => {
  const { emulator, stripe } = await startStripe()
  const link = await stripe.paymentLinks.create(linkParams())
  await emulator.openSession(link.id)
  await stripe.paymentLinks.update(link.id, { active: false })

  await expect(emulator.openSession(link.id)).rejects.toMatchObject({ code: 'link_inactive' })
  const { session } = await emulator.payLink(link.id)
  expect(session.payment_status).toBe('paid')
})

test('a link at its limit takes no second payment unless forced, and then it is a real double payment', async () => {
  const { emulator, stripe } = await startStripe()
  const link = await stripe.paymentLinks.create(linkParams())
  const late = await emulator.openSession(link.id)
  const other = await emulator.openSession(link.id)
  await emulator.paySession(other.id)
  await expect(emulator.paySession(late.id)).rejects.toMatchObject({ code: 'link_inactive' })

  await emulator.paySession(late.id, { force: true })
  await emulator.payLink(link.id, { force: true })
  const paid = await stripe.checkout.sessions.list({ payment_link: link.id, status: 'complete' })
  expect(new Set(paid.data.map((session) => session.payment_intent)).size).toBe(3)
})

test('a link at its limit that is switched on again still takes no payment', async () => {
  const { emulator, stripe } = await startStripe()
  const link = await stripe.paymentLinks.create(linkParams())
  await emulator.payLink(link.id)
  expect((await stripe.paymentLinks.update(link.id, { active: true })).active).toBe(true)
  await expect(emulator.openSession(link.id)).rejects.toMatchObject({ code: 'link_inactive' })
})

test('an expired session cannot be paid: ended over the API, and after 24 hours by itself', async () => {
  const receiver = await startReceiver()
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const link = await stripe.paymentLinks.create(linkParams())
  const [ended, old] = [await emulator.openSession(link.id), await emulator.openSession(link.id)]

  expect((await stripe.checkout.sessions.expire(ended.id)).status).toBe('expired')
  await expect(stripe.checkout.sessions.expire(ended.id)).rejects.toMatchObject({ statusCode: 400 })
  await expect(emulator.paySession(ended.id)).rejects.toMatchObject({ code: 'session_not_open' })

  emulator.advanceClock(24 * 60 * 60 * 1000)
  expect((await stripe.checkout.sessions.retrieve(old.id)).status).toBe('expired')
  await emulator.webhooksIdle()
  expect(receiver.events().map((event) => event.type)).toEqual(['checkout.session.expired', 'checkout.session.expired'])
  const { request } = receiver.events()[0] ?? {}
  expect(request?.id).toMatch(/^req_/)
})

test('a wrong amount, currency or metadata can be paid, to see that nobody trusts it blindly', async () => {
  const { emulator, stripe } = await startStripe()
  const link = await stripe.paymentLinks.create(linkParams())
  const { session, paymentIntent } = await emulator.payLink(link.id, {
    amount: 100,
    currency: 'eur',
    metadata: { unlock_id: '999' },
  })
  const wrong = { currency: 'eur', metadata: { unlock_id: '999' } }
  expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ ...wrong, amount_total: 100 })
  expect(await stripe.paymentIntents.retrieve(paymentIntent.id)).toMatchObject({ ...wrong, amount: 100 })
})

test('a dispute takes the charge hostage until it is won', async () => {
  const receiver = await startReceiver()
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const { paymentIntent } = await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id)
  await emulator.dispute(paymentIntent.id)
  const charge = await stripe.charges.retrieve(String(paymentIntent.latest_charge))
  expect(charge.disputed).toBe(true)
  await expect(stripe.refunds.create({ payment_intent: paymentIntent.id })).rejects.toMatchObject({
    code: 'charge_disputed',
  })

  await emulator.closeDispute(paymentIntent.id, 'won')
  expect((await stripe.disputes.list({ payment_intent: paymentIntent.id })).data).toMatchObject([{ status: 'won' }])
  expect((await stripe.disputes.list({ payment_intent: 'pi_other' })).data).toEqual([])
  expect((await stripe.refunds.create({ payment_intent: paymentIntent.id })).status).toBe('succeeded')
  await emulator.webhooksIdle()
  const events = receiver.events()
  expect(dataOf(events, 'charge.dispute.created')).toMatchObject({
    status: 'needs_response',
    payment_intent: paymentIntent.id,
  })
  expect(dataOf(events, 'charge.dispute.closed')).toMatchObject({ status: 'won' })
})

function dataOf(events: Stripe.Event[], type: string): unknown {
  return events.find((event) => event.type === type)?.data.object
}
