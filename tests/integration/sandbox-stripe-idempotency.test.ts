import { expect, test } from 'vitest'
import { linkParams, sdkFor, startStripe, until } from './sandbox-stripe-harness.ts'

const day = 24 * 60 * 60 * 1000

test('the same key and parameters make one link, answered twice', async () => {
  const { emulator, stripe } = await startStripe()
  const first = await stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'unlock-12' })
  const again = await stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'unlock-12' })
  expect(again).toEqual(first)
  expect(again.lastResponse.headers).toMatchObject({
    'idempotent-replayed': 'true',
    'original-request': first.lastResponse.requestId,
    'idempotency-key': 'unlock-12',
  })
  expect(emulator.links()).toHaveLength(1)
  expect(
    emulator.requestLog().map(({ idempotency_key, replayed, status }) => ({ idempotency_key, replayed, status })),
  ).toEqual([
    { idempotency_key: 'unlock-12', replayed: false, status: 200 },
    { idempotency_key: 'unlock-12', replayed: true, status: 200 },
  ])
})

test('a key serves one endpoint and one set of parameters', async () => {
  const { stripe } = await startStripe()
  const { id } = await stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'k' })
  const changed = stripe.paymentLinks.create(linkParams({ metadata: { unlock_id: '13' } }), { idempotencyKey: 'k' })
  await expect(changed).rejects.toMatchObject({ statusCode: 400, rawType: 'idempotency_error' })
  const elsewhere = stripe.paymentLinks.update(id, { active: false }, { idempotencyKey: 'k' })
  await expect(elsewhere).rejects.toMatchObject({ statusCode: 400, rawType: 'idempotency_error' })
  await expect(stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'x'.repeat(256) })).rejects.toMatchObject({
    statusCode: 400,
  })
})

test('a refusal is replayed, though by then the same request would be done', async () => {
  const { emulator, stripe } = await startStripe()
  const { paymentIntent } = await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id)
  emulator.failNextRefund('charge_disputed')
  const refund = (idempotencyKey: string) =>
    stripe.refunds.create({ payment_intent: paymentIntent.id }, { idempotencyKey })
  await expect(refund('a')).rejects.toMatchObject({ statusCode: 400, code: 'charge_disputed' })
  await expect(refund('a')).rejects.toMatchObject({ statusCode: 400, code: 'charge_disputed' })
  expect((await refund('b')).status).toBe('succeeded')
})

test('a 500 of Stripe itself is replayed until the key changes, whether or not it did what was asked', async () => {
  const { emulator, stripe } = await startStripe()
  const create = (idempotencyKey: string) => stripe.paymentLinks.create(linkParams(), { idempotencyKey })
  emulator.recordedFaults.add({ kind: 'status', path: '/v1/payment_links' })
  await expect(create('a')).rejects.toMatchObject({ statusCode: 500 })
  await expect(create('a')).rejects.toMatchObject({ statusCode: 500 })
  expect(emulator.links()).toHaveLength(0)

  emulator.recordedFaults.add({ kind: 'accept_then_status', status: 503 })
  await expect(create('b')).rejects.toMatchObject({ statusCode: 503 })
  await expect(create('b')).rejects.toMatchObject({ statusCode: 503 })
  expect(emulator.links()).toHaveLength(1)
  await create('c')
  expect(emulator.links()).toHaveLength(2)
})

test('a 500 on the way is not remembered: the retry gets the real answer, of what was done or is done now', async () => {
  const { emulator, stripe } = await startStripe()
  const create = (idempotencyKey: string) => stripe.paymentLinks.create(linkParams(), { idempotencyKey })
  emulator.faults.add({ kind: 'status', status: 500, path: '/v1/payment_links' })
  await expect(create('a')).rejects.toMatchObject({ statusCode: 500, type: 'StripeAPIError' })
  await create('a')
  expect(emulator.links()).toHaveLength(1)

  emulator.faults.add({ kind: 'accept_then_status', status: 502 })
  await expect(create('b')).rejects.toMatchObject({ statusCode: 502 })
  const link = await create('b')
  expect(link.lastResponse.headers).toHaveProperty('idempotent-replayed')
  expect(emulator.links()).toHaveLength(2)
})

test('the SDK retries a dropped answer under its key without making a second link', async () => {
  const { emulator } = await startStripe()
  emulator.faults.add({ kind: 'accept_then_drop' })
  const link = await sdkFor(emulator.url, { maxNetworkRetries: 1 }).paymentLinks.create(linkParams())
  expect(emulator.links().map(({ id }) => id)).toEqual([link.id])
})

test('a replay whose answer is dropped does nothing again', async () => {
  const { emulator } = await startStripe()
  emulator.faults.add({ kind: 'accept_then_drop', times: 2 })
  const link = await sdkFor(emulator.url, { maxNetworkRetries: 2 }).paymentLinks.create(linkParams())
  expect(emulator.links().map(({ id }) => id)).toEqual([link.id])
})

test('a key in flight answers 409, and is free again once the client hung up', async () => {
  const { emulator } = await startStripe()
  const create = (timeout: number) =>
    sdkFor(emulator.url, { timeout }).paymentLinks.create(linkParams(), { idempotencyKey: 'k' })
  emulator.faults.add({ kind: 'accept_then_hang' })
  const hanging = expect(create(1_500)).rejects.toMatchObject({ type: 'StripeConnectionError' })
  await until(() => emulator.links().length === 1)
  await expect(create(10_000)).rejects.toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' })
  await hanging
  const again = () =>
    create(10_000).then(
      () => 'replayed',
      () => 'in use',
    )
  await expect.poll(again, { timeout: 15_000 }).toBe('replayed')
  expect(emulator.links()).toHaveLength(1)
})

test('a slow answer keeps its key in use until it goes out', async () => {
  const { emulator, stripe } = await startStripe()
  const create = () => stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'k' })
  emulator.faults.add({ kind: 'slow', delay_ms: 1_500 })
  const slow = create()
  await until(() => emulator.links().length === 1)
  await expect(create()).rejects.toMatchObject({ statusCode: 409 })
  expect((await create().catch(() => slow)).id).toBe((await slow).id)
})

test('a key is forgotten after 24 hours', async () => {
  const { emulator, stripe } = await startStripe()
  const create = () => stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'k' })
  const first = await create()
  emulator.advanceClock(day - 60_000)
  expect((await create()).id).toBe(first.id)
  emulator.advanceClock(60_000)
  expect((await create()).id).not.toBe(first.id)
})

test('a rate limit and an unauthorised call leave the key free', async () => {
  const { emulator, stripe } = await startStripe()
  const create = (sdk = stripe) => sdk.paymentLinks.create(linkParams(), { idempotencyKey: 'k' })
  emulator.faults.add({ kind: 'status', status: 429 })
  await expect(create()).rejects.toMatchObject({ statusCode: 429, type: 'StripeRateLimitError' })
  await expect(create(sdkFor(emulator.url, { key: 'sk_test_wrong' }))).rejects.toMatchObject({ statusCode: 401 })
  await create()
  expect(emulator.links()).toHaveLength(1)
})
