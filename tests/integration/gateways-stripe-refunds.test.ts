import { expect, test } from 'vitest'
import type { RefundRequest } from '../../src/gateways/stripe.ts'
import { failureOf } from './gateways-fake-server.ts'
import { newLink, useStripe } from './gateways-stripe-harness.ts'

const harness = useStripe()

/** A paid link, and what a refund of it is asked for with. */
async function paid(link = newLink): Promise<RefundRequest> {
  const { id } = await harness.stripe.createPaymentLink(link)
  const { paymentIntent } = await harness.emulator.payLink(id)
  return {
    paymentId: 5,
    paymentIntentId: paymentIntent?.id ?? '',
    leadId: newLink.leadId,
    attempt: 0,
    reason: 'second_payment',
  }
}

test('a payment is refunded whole and once, however often it is asked', async () => {
  const { emulator, stripe } = harness
  const request = await paid()
  const first = await stripe.refund(request)
  expect(first).toEqual({
    refundId: emulator.refunds()[0]?.id,
    status: 'succeeded',
    amountCents: 2000,
  })
  expect(await stripe.refund(request)).toEqual(first)
  expect(emulator.refunds()).toMatchObject([
    { amount: 2000, metadata: { payment_id: '5', lead_id: 'lead_abc12345', reason: 'second_payment' } },
  ])
  expect(emulator.requestLog().at(-1)?.idempotency_key).toBe('lead_abc12345-payment-5-refund-0')
})

test('a refund whose answer was replaced by a 500 is found by the next attempt, not made twice', async () => {
  const { emulator, stripe } = harness
  const request = await paid()
  emulator.recordedFaults.add({ kind: 'accept_then_status', path: '/v1/refunds' })
  expect(await failureOf(stripe.refund(request))).toMatchObject({ code: 'replayable_500' })
  expect(await stripe.refund({ ...request, attempt: 1 })).toEqual({
    refundId: emulator.refunds()[0]?.id,
    status: 'succeeded',
    amountCents: 2000,
  })
  expect(emulator.refunds()).toHaveLength(1)
})

test('a refund that fails later is told so, and another attempt refunds again', async () => {
  const { emulator, stripe } = harness
  emulator.setRefundOutcome('pending')
  const request = await paid()
  const { refundId, status } = await stripe.refund(request)
  expect(status).toBe('pending')
  expect(await stripe.refund({ ...request, attempt: 1 })).toMatchObject({
    refundId,
    status: 'pending',
  })
  await emulator.settleRefund(refundId ?? '', 'failed')
  expect(await stripe.getRefund(refundId ?? '')).toMatchObject({ refundId, status: 'failed' })
  emulator.setRefundOutcome('succeeded')
  expect(await stripe.refund({ ...request, attempt: 2 })).toMatchObject({ status: 'succeeded' })
})

test('a charge said to be refunded already, every refund of which failed, is not taken for refunded', async () => {
  const { emulator, stripe } = harness
  emulator.setRefundOutcome('failed')
  const request = await paid()
  expect(await stripe.refund(request)).toMatchObject({ status: 'failed' })
  emulator.failNextRefund('charge_already_refunded')
  expect(await failureOf(stripe.refund({ ...request, attempt: 1 }))).toMatchObject({
    name: 'RefusedError',
    code: 'charge_already_refunded',
  })
})

test('where refunds cannot be listed, a charge that is refunded already is taken for refunded', async () => {
  const { emulator, stripe } = harness
  const request = await paid()
  await stripe.refund(request)
  const error = { type: 'invalid_request_error', message: 'Unrecognized request URL' }
  const fault = { kind: 'status', method: 'GET', path: '/v1/refunds', times: null } as const
  emulator.faults.add({ ...fault, status: 404, body: { error } })
  expect(await stripe.listRefunds(request.paymentIntentId)).toBeNull()
  expect(await stripe.refund({ ...request, attempt: 1 })).toEqual({ refundId: null, status: 'succeeded' })
})

test.each([400, 401, 500])('refunds that could not be listed (%i) are not taken for none', async (status) => {
  const { emulator, stripe } = harness
  const { paymentIntentId } = await paid()
  emulator.faults.add({ kind: 'status', method: 'GET', path: '/v1/refunds', status })
  await failureOf(stripe.listRefunds(paymentIntentId))
})

test.each([400, 401, 500])('a refund that could not be read (%i) is not taken for an unknown one', async (status) => {
  const { emulator, stripe } = harness
  const { refundId } = await stripe.refund(await paid())
  emulator.faults.add({ kind: 'status', method: 'GET', path: `/v1/refunds/${refundId}`, status })
  await failureOf(stripe.getRefund(refundId ?? ''))
})

test('an unknown refund is null', async () => {
  expect(await harness.stripe.getRefund('re_unknown')).toBeNull()
})

test('a disputed charge is refused for good', async () => {
  const { emulator, stripe } = harness
  const request = await paid()
  await emulator.dispute(request.paymentIntentId)
  expect(await failureOf(stripe.refund(request))).toMatchObject({ name: 'RefusedError', code: 'charge_disputed' })
})

test('what a person refunded in part is refunded for the rest', async () => {
  const { emulator, stripe } = harness
  const request = await paid()
  await emulator.refund(request.paymentIntentId, { amount: 500 })
  await stripe.refund(request)
  expect(emulator.refunds().map(({ amount }) => amount)).toEqual([500, 1500])
  const listed = await stripe.listRefunds(request.paymentIntentId)
  expect(listed?.map(({ amountCents, status }) => [amountCents, status])).toEqual([
    [1500, 'succeeded'],
    [500, 'succeeded'],
  ])
})

test('a refund of another payment is none of this one', async () => {
  const [mine, theirs] = [await paid(), await paid({ ...newLink, generation: newLink.generation + 1 })]
  const { refundId } = await harness.stripe.refund({ ...theirs, paymentId: 6 })
  expect(await harness.stripe.listRefunds(mine.paymentIntentId)).toEqual([])
  expect(await harness.stripe.listRefunds(theirs.paymentIntentId)).toMatchObject([{ refundId }])
})
