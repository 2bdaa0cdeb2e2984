import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { refundPayment } from '../../src/workers/jobs/refund-payment.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, EXPIRED, newProvider } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, hurryUntil, moveClock, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { LATE_PAYMENT: 'refund' } })
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const { becomes, payLate, paymentsOf, settleRefundOf } = refundsOf(() => product)

const lastAttempt = (data: object) => ({ id: '1', data, number: 5, of: 5 })

describe('a refund', () => {
  it('is made once though its answer was lost', async () => {
    product.stripe.faults.add({ kind: 'accept_then_drop', method: 'POST', path: '/v1/refunds', times: 4 })
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refunded')
    expect(product.stripe.refunds().filter((refund) => refund.payment_intent === intentId)).toHaveLength(1)
  })

  it('is made though Stripe answered 500 and would answer so for ever under the same key', async () => {
    product.stripe.recordedFaults.add({ kind: 'status', status: 500, method: 'POST', path: '/v1/refunds', times: 4 })
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refunded')
    expect(product.stripe.refunds().filter((refund) => refund.payment_intent === intentId)).toHaveLength(1)
  })

  it('that stays pending is refunded when Stripe says that it succeeded, and not for the word of its charge', async () => {
    product.stripe.setRefundOutcome('pending')
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refund_pending')
    await settled(product)
    expect(await paymentsOf(unlockId)).toEqual(['refund_pending'])
    product.stripe.setRefundOutcome('succeeded')
    const refund = product.stripe.refunds().find((one) => one.payment_intent === intentId)
    await product.stripe.settleRefund(refund?.id ?? '', 'succeeded')
    await becomes(unlockId, 'refunded')
  })

  it('that stays pending is asked about for as long as it takes, and nobody is called', async () => {
    product.stripe.setRefundOutcome('pending')
    const { unlockId } = await payLate()
    await becomes(unlockId, 'refund_pending')
    // One wake-up short of giving up.
    await product.rows(`update payments set attempts = 24, next_attempt_at = app_now() where unlock_id = ?`, [unlockId])
    await until('Stripe to be asked', async () => {
      const [payment] = await product.rows<{ attempts: number }>(
        `select attempts from payments where unlock_id = ? and next_attempt_at > app_now()`,
        [unlockId],
      )
      return payment?.attempts === 0
    })
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('that stays pending has not failed when Stripe cannot be asked about it: it is asked again later', async () => {
    product.stripe.setRefundOutcome('pending')
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refund_pending')
    await settled(product)
    const [payment] = (await product.unlock(unlockId)).payments
    product.stripe.faults.add({ kind: 'status', status: 503, method: 'GET', path: '/v1/refunds', times: null })
    await withServices(product, async (services) => {
      const outcome = await makeAttempt(services, refundPayment, lastAttempt({ payment_id: payment.id }))
      expect(outcome).toMatchObject({ type: 'given_up' })
    })
    expect(await paymentsOf(unlockId)).toEqual(['refund_pending'])
    expect(await openKinds(product, unlockId)).toEqual([])
    product.stripe.faults.clear()
    const refund = product.stripe.refunds().find((one) => one.payment_intent === intentId)
    product.stripe.holdWebhooks()
    await product.stripe.settleRefund(refund?.id ?? '', 'succeeded')
    await moveClock(product, 3600)
    await becomes(unlockId, 'refunded')
  })

  it('that fails in the end calls a person, whose retry gives the money back', async () => {
    product.stripe.setRefundOutcome('pending')
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refund_pending')
    product.stripe.setRefundOutcome('succeeded')
    const refund = product.stripe.refunds().find((one) => one.payment_intent === intentId)
    await product.stripe.settleRefund(refund?.id ?? '', 'failed')
    await becomes(unlockId, 'refund_failed')
    await escalated(product, unlockId, 'refund_failed')
    const [payment] = (await product.unlock(unlockId)).payments
    await product.publisher.publish([{ job: 'refund-payment', payment_id: payment.id }])
    await becomes(unlockId, 'refunded')
    await escalated(product, unlockId, 'refund_failed', false)
  })

  it("that Stripe refuses calls a person; Bull Board's Retry completes it and resolves the escalation", async () => {
    product.stripe.failNextRefund('charge_disputed')
    const { unlockId } = await payLate()
    await escalated(product, unlockId, 'refund_failed')
    const [{ id: paymentId }] = (await product.unlock(unlockId)).payments
    await (await failedJob(product, 'refund-payment', { payment_id: paymentId })).retry('failed')
    await becomes(unlockId, 'refunded')
    await escalated(product, unlockId, 'refund_failed', false)
  })

  it('that Stripe refuses, and the retry of it as well, is not answered with that refusal for ever', async () => {
    product.stripe.recordedFaults.add({ kind: 'status', status: 400, method: 'POST', path: '/v1/refunds', times: 2 })
    const { unlockId } = await payLate()
    await escalated(product, unlockId, 'refund_failed')
    const [{ id: paymentId }] = (await product.unlock(unlockId)).payments
    const job = await failedJob(product, 'refund-payment', { payment_id: paymentId })
    const attempts = async () =>
      (await product.publisher.queues.get('refund-payment')?.getJob(job.id ?? ''))?.attemptsStarted ?? 0
    const before = await attempts()
    await job.retry('failed')
    await until('the retry to be refused', async () => {
      return (await attempts()) > before && (await job.getState()) === 'failed'
    })
    await job.retry('failed')
    await becomes(unlockId, 'refunded')
    await escalated(product, unlockId, 'refund_failed', false)
  })

  it('by an operator, of money whose details wait to be sent, keeps them back and ends the offer', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    const queue = product.publisher.queues.get('reveal')
    await queue?.pause()
    onTestFinished(() => queue?.resume())
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'PAID')
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await becomes(unlockId, 'refunded')
    await queue?.resume()
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('EXPIRED')
    await dana.says(`Y ${leadId}`)
    await dana.gets(EXPIRED)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('by an operator goes also for money of the wrong amount, of which a person was called', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url, { amount: 1900 })
    await becomes(unlockId, 'held')
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await becomes(unlockId, 'refunded')
    expect(await product.statusOf(unlockId)).toBe('AWAITING_PAYMENT')
  })
})

it('money of which Stripe named no payment intent is not said to be back: a person is called', async () => {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasLink()
  await product.api('POST', `/api/unlocks/${unlockId}/expire`)
  await product.stripe.sendEvent('checkout.session.completed', {
    id: 'cs_without_intent',
    payment_status: 'paid',
    amount_total: 2000,
    currency: 'usd',
    metadata: { unlock_id: String(unlockId), lead_id: leadId },
  })
  await escalated(product, unlockId, 'refund_failed')
  expect(await paymentsOf(unlockId)).toEqual(['refund_failed'])
})

it('a refund that a person has settled another way is not made by a retry of its job', async () => {
  product.stripe.failNextRefund('charge_disputed')
  const { unlockId } = await payLate()
  await escalated(product, unlockId, 'refund_failed')
  const [{ id: paymentId }] = (await product.unlock(unlockId)).payments
  const failed = () => failedJob(product, 'refund-payment', { payment_id: paymentId })
  const job = await failed()
  const [escalation] = await product.rows<{ id: number }>(
    `select id from escalations where kind = 'refund_failed' and unlock_id = ?`,
    [unlockId],
  )
  await product.api('POST', `/api/escalations/${escalation?.id}/resolve`, { note: 'paid back by bank transfer' })
  await job.retry('failed')
  await until('its job to say so', async () => (await failed()).failedReason === 'settled_by_hand')
  expect((await product.unlock(unlockId)).payments).toMatchObject([{ status: 'refund_failed' }])
  expect(await openKinds(product, unlockId)).not.toContain('refund_failed')

  expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
  await becomes(unlockId, 'refunded')
})

it('a refund that a person has settled another way is no parked row, and is not begun anew by the SQL of the runbook', async () => {
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')
  const parked = /^select 'webhook_inbox' as parked[^;]*/m.exec(runbook)?.[0] ?? ''
  const anew = /^update payments set status = 'refund_due'[^;]*/m.exec(runbook)?.[0] ?? ''
  product.stripe.failNextRefund('card_closed')
  const { unlockId } = await payLate()
  await escalated(product, unlockId, 'refund_failed')
  const [{ id }] = (await product.unlock(unlockId)).payments
  const row = { parked: 'payments', id: String(id) }
  const beginAnew = () => product.rows(`${anew.replace('id = 7', `id = ${id}`)} returning id`)
  expect(await product.rows(parked)).toContainEqual(row)

  const [escalation] = await product.rows<{ id: number }>(
    `select id from escalations where kind = 'refund_failed' and unlock_id = ?`,
    [unlockId],
  )
  await product.api('POST', `/api/escalations/${escalation?.id}/resolve`, { note: 'paid back by bank transfer' })
  expect(await product.rows(parked)).not.toContainEqual(row)
  expect(await beginAnew()).toEqual([])

  await product.rows('update escalations set resolved_at = null where id = ?', [escalation?.id])
  expect(await beginAnew()).toHaveLength(1)
  await becomes(unlockId, 'refunded')
})

describe('details whose money went back', () => {
  /** Paid and sent, and given back by an operator before the carrier tells what became of them. */
  async function refundAfterSending() {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.configure({ receipts: 'manual' })
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'REVEAL_DETAILS_SENT')
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await becomes(unlockId, 'refunded')
    return { dana, unlockId }
  }
  const sendingsOf = async (unlockId: number): Promise<string[]> =>
    (await product.unlock(unlockId)).messages
      .filter(({ purpose }: { purpose: string }) => purpose === 'reveal')
      .map(({ status }: { status: string }) => status)

  it('are not sent again when the carrier lost them, nor when asked for, and nobody is called', async () => {
    const { dana, unlockId } = await refundAfterSending()
    const details = product.textmagic.messages().find(({ phone, text }) => phone === dana.phone && DETAILS.test(text))
    await product.textmagic.deliver(details?.id ?? 0, 'f')
    await until('the receipt', async () => (await sendingsOf(unlockId)).includes('undelivered'))
    await dana.says('Y')
    await dana.gets(EXPIRED)
    const answer = await product.api('POST', `/api/unlocks/${unlockId}/retry-reveal`)
    expect(answer.status).toBe(409)
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await sendingsOf(unlockId)).toEqual(['undelivered'])
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('or should have gone back and did not, are refused in words that are true of both', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    product.stripe.setRefundOutcome('pending')
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refund_pending')
    product.stripe.setRefundOutcome('succeeded')
    await settleRefundOf(unlockId, 'failed')
    await becomes(unlockId, 'refund_failed')
    const answer = await product.api('POST', `/api/unlocks/${unlockId}/retry-reveal`)
    const why = 'no payment for the details is kept: their money is back with the payer, or owed to them'
    expect(answer).toMatchObject({ status: 409, body: { detail: `unlock ${unlockId} is DONE: ${why}` } })
  })

  it('are called off when they wait to be sent again', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
    await dana.says('Y')
    await until('the second sending to wait', async () => (await sendingsOf(unlockId)).length === 2)
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refunded')
    product.textmagic.faults.clear()
    await hurryUntil(product, 'reveal', 'it to be called off', async () => {
      return (await sendingsOf(unlockId)).includes('cancelled')
    })
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await openKinds(product, unlockId)).toEqual([])
  })
})
