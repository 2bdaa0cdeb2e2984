import { expect, test } from 'vitest'
import { linkParams, startReceiver, startStripe, until } from './sandbox-stripe-harness.ts'

async function paid() {
  const receiver = await startReceiver()
  const { emulator, stripe } = await startStripe({ webhookUrl: receiver.url })
  const { paymentIntent } = await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id)
  const charge = () => stripe.charges.retrieve(String(paymentIntent.latest_charge))
  const types = async () => {
    await emulator.webhooksIdle()
    return receiver.events().map((event) => event.type)
  }
  return { emulator, stripe, intent: paymentIntent.id, charge, types }
}

test('a refund gives all the money back once', async () => {
  const { stripe, intent, charge, types } = await paid()
  const refund = await stripe.refunds.create({ payment_intent: intent, metadata: { unlock_id: '12' } })
  expect(refund).toMatchObject({ object: 'refund', amount: 2000, status: 'succeeded', metadata: { unlock_id: '12' } })
  expect(await charge()).toMatchObject({ refunded: true, amount_refunded: 2000 })
  await expect(stripe.refunds.create({ payment_intent: intent })).rejects.toMatchObject({
    code: 'charge_already_refunded',
    statusCode: 400,
  })
  expect((await stripe.refunds.list({ payment_intent: intent })).data).toEqual([
    await stripe.refunds.retrieve(refund.id),
  ])
  expect(await types()).toEqual(expect.arrayContaining(['refund.created', 'charge.refunded']))
})

test('partial refunds add up to the charge and no further', async () => {
  const { emulator, stripe, intent, charge } = await paid()
  await emulator.refund(intent, { amount: 500 })
  expect(await charge()).toMatchObject({ refunded: false, amount_refunded: 500 })
  await expect(stripe.refunds.create({ payment_intent: intent, amount: 1501 })).rejects.toMatchObject({
    param: 'amount',
  })
  await stripe.refunds.create({ payment_intent: intent, amount: 1500 })
  expect(await charge()).toMatchObject({ refunded: true, amount_refunded: 2000 })
})

test('a pending refund counts as given back until it fails, and can then be made again', async () => {
  const { emulator, stripe, intent, charge, types } = await paid()
  emulator.setRefundOutcome('pending')
  const refund = await stripe.refunds.create({ payment_intent: intent })
  expect(refund.status).toBe('pending')
  expect(await charge()).toMatchObject({ refunded: true })

  await emulator.settleRefund(refund.id, 'failed')
  expect(await charge()).toMatchObject({ refunded: false, amount_refunded: 0 })
  emulator.setRefundOutcome('succeeded')
  expect((await stripe.refunds.create({ payment_intent: intent })).status).toBe('succeeded')
  expect(await types()).toEqual(expect.arrayContaining(['refund.failed', 'refund.updated']))
})

test('a pending refund that succeeds is reported by refund.updated', async () => {
  const { emulator, stripe, intent, types } = await paid()
  emulator.setRefundOutcome('pending')
  const refund = await stripe.refunds.create({ payment_intent: intent })
  await emulator.settleRefund(refund.id, 'succeeded')
  expect(await types()).toContain('refund.updated')
  await expect(emulator.settleRefund(refund.id, 'succeeded')).rejects.toMatchObject({ code: 'not_settleable' })
})

test('a refund can fail at once, fail by itself later, or be refused', async () => {
  const { emulator, stripe, intent } = await paid()
  emulator.setRefundOutcome('failed')
  expect((await stripe.refunds.create({ payment_intent: intent })).status).toBe('failed')

  emulator.setRefundOutcome('pending_then_failed')
  const { id, status } = await stripe.refunds.create({ payment_intent: intent })
  expect(status).toBe('pending')
  await until(() => emulator.refunds().find((refund) => refund.id === id)?.status === 'failed')

  emulator.failNextRefund()
  await expect(stripe.refunds.create({ payment_intent: intent })).rejects.toMatchObject({ code: 'charge_disputed' })
})

test('a refund of nothing, of an unknown payment, or of one without a charge is refused', async () => {
  const { emulator, stripe } = await startStripe()
  await expect(stripe.refunds.create({})).rejects.toMatchObject({ code: 'parameter_missing' })
  await expect(stripe.refunds.create({ payment_intent: 'pi_no' })).rejects.toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
    param: 'payment_intent',
  })
  const link = await stripe.paymentLinks.create(linkParams())
  const { paymentIntent } = await emulator.payLink(link.id, { async: true })
  await expect(stripe.refunds.create({ payment_intent: paymentIntent.id })).rejects.toMatchObject({ statusCode: 400 })
})
