import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { linkParams, startReceiver, startStripe, until } from './sandbox-stripe-harness.ts'

test('while a secret is rolled, each of the secrets verifies the raw body and no other does', async () => {
  const receiver = await startReceiver()
  const { emulator } = await startStripe({ webhookUrl: receiver.url, webhookSecret: ['whsec_new', 'whsec_old'] })
  await emulator.sendEvent('checkout.session.completed', { id: 'cs_test_x', object: 'checkout.session' })
  await emulator.webhooksIdle()
  expect(receiver.received[0]?.signature).toMatch(/^t=\d+,v1=[0-9a-f]{64},v1=[0-9a-f]{64},v0=[0-9a-f]{64}$/)
  expect(receiver.events('whsec_new')).toHaveLength(1)
  expect(receiver.events('whsec_old')).toHaveLength(1)
  expect(() => receiver.events('whsec_other')).toThrow(Stripe.errors.StripeSignatureVerificationError)
})

test('a signature is as old as the test wants it', async () => {
  const receiver = await startReceiver()
  const signedAt = () => new Date(Date.now() - 301_000)
  const { emulator } = await startStripe({ webhookUrl: receiver.url, signedAt })
  await emulator.sendEvent('checkout.session.completed', { id: 'cs_test_x' })
  await emulator.webhooksIdle()
  expect(() => receiver.events()).toThrow(/tolerance/)
})

test('an event is tried again until it is answered 2xx, a redirect being no acceptance', async () => {
  const receiver = await startReceiver()
  receiver.answers.push(503, 302)
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const { id } = await emulator.sendEvent('refund.updated', { id: 're_x' })
  await emulator.webhooksIdle()
  expect(receiver.events().map((event) => event.id)).toEqual([id, id, id])
  expect(await stripe.events.retrieve(id)).toMatchObject({ pending_webhooks: 0 })
  expect(emulator.events()[0]?.attempts.map((attempt) => attempt.status)).toEqual([503, 302, 200])
})

test('an event nobody accepts stays found by delivery_success=false, and a resend settles it', async () => {
  const receiver = await startReceiver()
  receiver.answers.push(500, 500, 500)
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const lost = await emulator.sendEvent('checkout.session.completed', { id: 'cs_test_lost' })
  await emulator.webhooksIdle()
  const arrived = await emulator.sendEvent('checkout.session.completed', { id: 'cs_test_arrived' })
  await emulator.sendEvent('charge.refunded', { id: 'ch_x' })
  await emulator.webhooksIdle()

  const types = ['checkout.session.completed', 'checkout.session.async_payment_succeeded']
  const listed = async (params: Stripe.EventListParams) => (await stripe.events.list(params)).data.map(({ id }) => id)
  expect(await listed({ types, delivery_success: false })).toEqual([lost.id])
  expect(await listed({ types, delivery_success: true })).toEqual([arrived.id])
  expect(await listed({ types })).toEqual([arrived.id, lost.id])
  expect(await listed({ type: 'charge.*' })).toHaveLength(1)
  expect(await listed({ created: { gte: lost.created + 3600 } })).toEqual([])
  expect((await stripe.events.retrieve(lost.id)).pending_webhooks).toBe(1)

  expect(await emulator.resendEvent(lost.id, { duplicate: true })).toMatchObject([{ status: 200 }, { status: 200 }])
  expect(await listed({ delivery_success: false })).toEqual([])
})

test('events are held back and released in another order, twice each', async () => {
  const receiver = await startReceiver()
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  emulator.holdWebhooks()
  const { session } = await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id, { async: true })
  await emulator.settleAsync(session.id, 'succeeded')
  expect(receiver.received).toEqual([])
  expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(3)

  await emulator.releaseWebhooks({ reverse: true, duplicate: true })
  expect(receiver.events().map((event) => event.type)).toEqual([
    ...twice('checkout.session.async_payment_succeeded'),
    ...twice('payment_intent.succeeded'),
    ...twice('checkout.session.completed'),
  ])
})

test('a shuffled release delivers every event once', async () => {
  const receiver = await startReceiver()
  const { emulator } = await startStripe({ webhookUrl: receiver.url, autoDeliver: false })
  const sent: string[] = []
  for (let count = 0; count < 5; count += 1) sent.push((await emulator.sendEvent('x', { count })).id)
  await emulator.releaseWebhooks({ shuffle: true })
  expect(
    receiver
      .events()
      .map((event) => event.id)
      .sort(),
  ).toEqual(sent.sort())
})

test('any event can be sent, of types Stripe does not have too, to wherever the endpoint is moved', async () => {
  const [old, moved] = [await startReceiver(), await startReceiver()]
  const { emulator } = await startStripe({ webhookUrl: old.url })
  emulator.setWebhook({ url: moved.url, secret: 'whsec_moved' })
  await emulator.sendEvent('payment_link.payment_succeeded', { id: 'plink_x', metadata: { unlock_id: '404' } })
  await until(() => moved.received.length === 1)
  expect(moved.events('whsec_moved')[0]).toMatchObject({
    type: 'payment_link.payment_succeeded',
    data: { object: { id: 'plink_x', metadata: { unlock_id: '404' } } },
  })
  expect(old.received).toEqual([])
})

test('an endpoint that is down is waited for, and closing does not hang on it', async () => {
  // Longer than a test may take.
  const retryDelaysMs = [3_600_000]
  const { emulator } = await startStripe({ webhookUrl: 'http://127.0.0.1:1/webhook/stripe', retryDelaysMs })
  const { id } = await emulator.sendEvent('checkout.session.completed', { id: 'cs_test_x' })
  await until(() => emulator.events()[0]?.attempts.length === 1)
  expect(emulator.events()[0]).toMatchObject({ id, delivered: false, attempts: [{ error: expect.any(String) }] })
  await emulator.close()
})

test('without an endpoint nothing is owed', async () => {
  const { emulator, stripe } = await startStripe()
  const { id } = await emulator.sendEvent('checkout.session.completed', { id: 'cs_test_x' })
  expect((await stripe.events.retrieve(id)).pending_webhooks).toBe(0)
})

function twice(type: string): string[] {
  return [type, type]
}
