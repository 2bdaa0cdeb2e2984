import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/logging.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import { jobs } from '../../src/queues/contract.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import type { WorkerServices } from '../../src/workers/deps.ts'
import { NotYetError } from '../../src/workers/errors.ts'
import { handlePayment } from '../../src/workers/jobs/handle-payment.ts'
import { refundPayment } from '../../src/workers/jobs/refund-payment.ts'
import { openServices } from '../../src/workers/services.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, EXPIRED, newProvider } from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, escalationsOf, failedJob, hurryUntil, moveClock, openKinds } from '../support/steering.ts'
import { testRedis } from '../support/stores.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { LATE_PAYMENT: 'refund' } })
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const statusOf = async (unlockId: number) => (await product.unlock(unlockId)).unlock.status
const paymentsOf = async (unlockId: number): Promise<string[]> =>
  (await product.unlock(unlockId)).payments.map(({ status }: { status: string }) => status)
const becomes = (unlockId: number, ...statuses: string[]) =>
  until(
    `payments of unlock ${unlockId} to be ${statuses}`,
    async () => JSON.stringify(await paymentsOf(unlockId)) === JSON.stringify(statuses),
    async () => JSON.stringify(await product.unlock(unlockId)),
  )

/** Pays after the TTL, which with LATE_PAYMENT=refund is given back. */
async function payLate() {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
  await product.reaches(unlockId, 'EXPIRED')
  await settled(product)
  const { paymentIntent } = await product.stripe.payLink(url, { force: true })
  return { dana, unlockId, intentId: paymentIntent.id }
}

/** Pays before the TTL, which passes before a worker gets to it. @param meanwhile what happens before it does */
async function paidInTimeAndExpired(unlockId: number, url: string, meanwhile?: () => Promise<void>): Promise<void> {
  await settled(product)
  const queue = product.publisher.queues.get('handle-payment')
  await queue?.pause()
  await product.stripe.payLink(url)
  const stored = async () => (await product.rows(`select from webhook_inbox where status = 'received'`)).length > 0
  await until('the webhook to be stored', stored)
  await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
  await product.reaches(unlockId, 'EXPIRED')
  await meanwhile?.()
  await queue?.resume()
}

/** Pays while the SMS gateway refuses our key, so that the reveal waits. */
async function payBeforeReveal() {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  await settled(product)
  product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
  const { paymentIntent } = await product.stripe.payLink(url)
  await product.reaches(unlockId, 'PAID')
  await until('the failed reveal', async () =>
    (await product.unlock(unlockId)).messages.some(
      (message: { error_code: string | null }) => message.error_code === 'unauthorized',
    ),
  )
  return { dana, unlockId, intentId: paymentIntent.id }
}

/** The newest event of a type is told us. @returns its row in the inbox */
async function arrives(type: string): Promise<number> {
  const id = product.stripe.events().findLast(({ event }) => event.type === type)?.id
  await product.stripe.resendEvent(id ?? '')
  const [row] = await product.rows<{ id: string }>('select id from webhook_inbox where external_id = ?', [id])
  return Number(row?.id)
}

const lastAttempt = (data: object) => ({ id: '1', data, number: 5, of: 5 })

/** Runs jobs by hand, beside the workers. */
async function withServices(work: (services: WorkerServices) => Promise<void>): Promise<void> {
  const redis = producerConnection(testRedis().url)
  redis.on('error', () => undefined)
  const logger = createLogger({ name: 'test', level: 'silent' })
  const { services, close } = await openServices(product.config, redis, logger, { prefix: product.redisPrefix })
  try {
    await work(services)
  } finally {
    await close()
    redis.disconnect()
  }
}

describe('a late payment under LATE_PAYMENT=refund', () => {
  it('goes back without a reveal', async () => {
    const { dana, unlockId } = await payLate()
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect(await statusOf(unlockId)).toBe('EXPIRED')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('that we were told of before the TTL is not late, however long its job took', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await paidInTimeAndExpired(unlockId, url)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it('that waits for a worker is late once an operator has closed the offer by hand', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await paidInTimeAndExpired(unlockId, url, async () => {
      expect((await product.api('POST', `/api/unlocks/${unlockId}/expire`)).status).toBe(200)
    })
    await becomes(unlockId, 'refunded')
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('goes back once though the answer to the refund was lost', async () => {
    product.stripe.faults.add({ kind: 'accept_then_drop', method: 'POST', path: '/v1/refunds', times: 4 })
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refunded')
    expect(product.stripe.refunds().filter((refund) => refund.payment_intent === intentId)).toHaveLength(1)
  })

  it('goes back though Stripe answered 500 and would answer so for ever under the same key', async () => {
    product.stripe.recordedFaults.add({ kind: 'status', status: 500, method: 'POST', path: '/v1/refunds', times: 4 })
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refunded')
    expect(product.stripe.refunds().filter((refund) => refund.payment_intent === intentId)).toHaveLength(1)
  })
})

describe('a refund', () => {
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
  })

  it('that stays pending has not failed when Stripe cannot be asked about it: it is asked again later', async () => {
    product.stripe.setRefundOutcome('pending')
    const { unlockId, intentId } = await payLate()
    await becomes(unlockId, 'refund_pending')
    await settled(product)
    const [payment] = (await product.unlock(unlockId)).payments
    product.stripe.faults.add({ kind: 'status', status: 503, method: 'GET', path: '/v1/refunds', times: null })
    await withServices(async (services) => {
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
    const job = await failedJob(product, 'refund-payment')
    await job.retry('failed')
    await becomes(unlockId, 'refunded')
    await escalated(product, unlockId, 'refund_failed', false)
  })
})

it('a refund that a person has settled another way is not made by a retry of its job', async () => {
  product.stripe.failNextRefund('charge_disputed')
  const { unlockId } = await payLate()
  await escalated(product, unlockId, 'refund_failed')
  const [{ id: paymentId }] = (await product.unlock(unlockId)).payments
  const failed = async () => {
    const jobs = (await product.publisher.queues.get('refund-payment')?.getFailed()) ?? []
    return jobs.find(({ data }) => data.payment_id === paymentId)
  }
  await until('its job to have failed', async () => (await failed()) !== undefined)
  const [escalation] = await product.rows<{ id: number }>(
    `select id from escalations where kind = 'refund_failed' and unlock_id = ?`,
    [unlockId],
  )
  await product.api('POST', `/api/escalations/${escalation?.id}/resolve`, { note: 'paid back by bank transfer' })
  await (await failed())?.retry('failed')
  await until('its job to say so', async () => (await failed())?.failedReason === 'settled_by_hand')
  expect((await product.unlock(unlockId)).payments).toMatchObject([{ status: 'refund_failed' }])
  expect(await openKinds(product, unlockId)).not.toContain('refund_failed')

  expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
  await becomes(unlockId, 'refunded')
})

describe('a refund made in the dashboard', () => {
  it('before the reveal keeps the details back', async () => {
    const { dana, unlockId, intentId } = await payBeforeReveal()
    await product.stripe.refund(intentId)
    await product.reaches(unlockId, 'EXPIRED')
    product.textmagic.faults.clear()
    await hurryUntil(product, 'reveal', 'the reveal to be called off', async () => {
      const { messages } = await product.unlock(unlockId)
      return messages.some(({ status }: { status: string }) => status === 'cancelled')
    })
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect(await paymentsOf(unlockId)).toEqual(['refunded'])
  })

  it('after the reveal is noted and changes nothing else', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    await product.stripe.refund(payments[0].payment_intent_id)
    await becomes(unlockId, 'refunded')
    expect(await statusOf(unlockId)).toBe('DONE')
  })

  it('of a part is noted, and the details are still due', async () => {
    const { dana, unlockId, intentId } = await payBeforeReveal()
    await product.stripe.refund(intentId, { amount: 500 })
    await until('the note', async () => (await product.unlock(unlockId)).payments[0].refunded_cents === 500)
    product.textmagic.faults.clear()
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it('in two parts of which one fails later calls a person', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    const intentId = payments[0].payment_intent_id
    await product.stripe.refund(intentId, { amount: 500 })
    const rest = await product.stripe.refund(intentId)
    await becomes(unlockId, 'refunded')
    await settled(product)
    await product.stripe.settleRefund(rest.id, 'failed')
    await becomes(unlockId, 'refund_failed')
    await escalated(product, unlockId, 'refund_failed')
  })

  it('that failed before the word of its charge came leaves the money ours', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    product.stripe.holdWebhooks()
    const refund = await product.stripe.refund(payments[0].payment_intent_id)
    await product.stripe.settleRefund(refund.id, 'failed')
    for (const type of ['refund.failed', 'charge.refunded', 'refund.created']) {
      const last = product.stripe.events().findLast(({ event }) => event.type === type)
      await product.stripe.resendEvent(last?.id ?? '')
      await settled(product)
    }
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
    expect((await product.unlock(unlockId)).payments[0].refunded_cents).toBe(0)
  })

  it('of which Stripe cannot be asked for some minutes is followed all the same, and nobody is called', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    product.stripe.holdWebhooks()
    await product.stripe.refund(payments[0].payment_intent_id, { amount: 500 })
    product.stripe.faults.add({ kind: 'status', status: 503, method: 'GET', path: '/v1/refunds', times: null })
    const data = { inbox_id: await arrives('charge.refunded') }
    await withServices(async (services) => {
      const { attempts } = jobs['handle-payment']
      const outcome = await makeAttempt(services, handlePayment, { id: '1', data, number: 6, of: attempts })
      expect(outcome).toMatchObject({ type: 'failed' })
    })
    product.stripe.faults.clear()
    await hurryUntil(product, 'handle-payment', 'the refund to be noted', async () => {
      return (await product.unlock(unlockId)).payments[0].refunded_cents === 500
    })
    expect(await product.rows(`select from escalations where kind = 'inbox_failed'`)).toEqual([])
  })

  it('where refunds cannot be listed counts by the sum of its event', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    product.stripe.holdWebhooks()
    await product.stripe.refund(payments[0].payment_intent_id)
    const error = { type: 'invalid_request_error', message: 'Unrecognized request URL' }
    const unknown = { kind: 'status', status: 404, body: { error }, times: null } as const
    product.stripe.faults.add({ ...unknown, method: 'GET', path: '/v1/refunds' })
    await arrives('charge.refunded')
    await becomes(unlockId, 'refunded')
    expect(await product.rows(`select from escalations where kind = 'inbox_failed'`)).toEqual([])
  })

  it('whose event comes before the one of the payment keeps the details back', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    const { paymentIntent } = await product.stripe.payLink(url)
    await product.stripe.refund(paymentIntent.id)
    const refunded = product.stripe.events().findLast(({ event }) => event.type === 'charge.refunded')
    await product.stripe.resendEvent(refunded?.id ?? '')
    await until('the refund to be looked at', async () => {
      const [job] = (await product.publisher.queues.get('handle-payment')?.getDelayed()) ?? []
      return job !== undefined
    })
    await product.stripe.releaseWebhooks({ reverse: true })
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect((await product.unlock(unlockId)).unlock).toMatchObject({ status: 'EXPIRED', closed_reason: 'admin' })
  })

  it("whose event was given up on, because the payment's came hours later, still counts", async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    const { paymentIntent } = await product.stripe.payLink(url)
    await product.stripe.refund(paymentIntent.id)
    const refunded = product.stripe.events().findLast(({ event }) => event.type === 'charge.refunded')
    await product.stripe.resendEvent(refunded?.id ?? '')
    await hurryUntil(product, 'handle-payment', 'the refund to be given up on', async () => {
      const [row] = await product.rows<{ outcome: string }>('select outcome from webhook_inbox where external_id = ?', [
        refunded?.id,
      ])
      return row?.outcome === 'unmatched'
    })
    await product.stripe.releaseWebhooks()
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('whose event is given up on in the moment its payment comes still counts', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await settled(product)
    await product.stopWorkers()
    product.stripe.holdWebhooks()
    const { paymentIntent } = await product.stripe.payLink(url)
    await product.stripe.refund(paymentIntent.id)
    const [paid, refunded] = [await arrives('checkout.session.completed'), await arrives('charge.refunded')]

    await withServices(async (services) => {
      // The refund has looked for its payment, and not found it, right before the payment was stored.
      await product.rows(`update webhook_inbox set status = 'processed' where id = ?`, [refunded])
      expect(await makeAttempt(services, handlePayment, lastAttempt({ inbox_id: paid }))).toEqual({ type: 'done' })
      await product.rows(`update webhook_inbox set status = 'received' where id = ?`, [refunded])
      const tooEarly = { ...handlePayment, run: () => Promise.reject(new NotYetError()) }
      const outcome = await makeAttempt(services, tooEarly, lastAttempt({ inbox_id: refunded }))
      expect(outcome).toMatchObject({ type: 'given_up' })
    })

    await product.startMoreWorkers()
    await becomes(unlockId, 'refunded')
    // Other events tell of the refund as well; this one is to count by itself.
    await until('the event to count', async () => {
      const [row] = await product.rows<{ outcome: string }>('select outcome from webhook_inbox where id = ?', [
        refunded,
      ])
      return row?.outcome === 'charge_refunded'
    })
  })

  it('that fails later calls a person: the money is ours again', async () => {
    const { unlockId, intentId } = await payBeforeReveal()
    const refund = await product.stripe.refund(intentId)
    await product.reaches(unlockId, 'EXPIRED')
    product.textmagic.faults.clear()
    await product.stripe.settleRefund(refund.id, 'failed')
    await escalated(product, unlockId, 'refund_failed')
  })

  it('of money that never was ours is no concern of ours', async () => {
    const { id } = await product.stripe.sendEvent('charge.refunded', {
      id: 'ch_foreign',
      payment_intent: 'pi_foreign',
      amount: 900,
      amount_refunded: 900,
    })
    await hurryUntil(product, 'handle-payment', 'the event to be given up on', async () => {
      const [row] = await product.rows<{ outcome: string }>('select outcome from webhook_inbox where external_id = ?', [
        id,
      ])
      return row?.outcome === 'unmatched'
    })
    const escalations = await product.rows(`select 1 from escalations where kind = 'inbox_failed'`)
    expect(escalations).toEqual([])
  })
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

describe('a dispute', () => {
  async function paid() {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const intentId: string = (await product.unlock(unlockId)).payments[0].payment_intent_id
    return { unlockId, intentId }
  }
  const disputesCalled = async (unlockId: number): Promise<string[]> =>
    (await escalationsOf(product, unlockId))
      .filter(({ kind, open }) => kind === 'dispute' && open)
      .map(({ subject }) => subject)
  const statusOfDispute = async (unlockId: number) => (await product.unlock(unlockId)).payments[0].dispute_status

  it('calls a person, and is resolved when it is closed', async () => {
    const { unlockId, intentId } = await paid()
    await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    await product.stripe.closeDispute(intentId, 'won')
    await escalated(product, unlockId, 'dispute', false)
    expect(await statusOf(unlockId)).toBe('DONE')
  })

  it('of a payment that was disputed before calls a person again', async () => {
    const { unlockId, intentId } = await paid()
    const first = await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    await product.stripe.closeDispute(first.id, 'won')
    await escalated(product, unlockId, 'dispute', false)
    await product.stripe.dispute(intentId)
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual(['dispute'])
    expect(await statusOfDispute(unlockId)).toBe('needs_response')
  })

  it('of a payment with another that is open calls a person too, until it is closed itself', async () => {
    const { unlockId, intentId } = await paid()
    const first = await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    const second = await product.stripe.dispute(intentId)
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([`dispute:${first.id}`, `dispute:${second.id}`])
    await product.stripe.closeDispute(first.id, 'won')
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([`dispute:${second.id}`])
    expect(await statusOfDispute(unlockId)).toBe('needs_response')
    await product.stripe.closeDispute(second.id, 'won')
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([])
    expect(await statusOfDispute(unlockId)).toBe('closed: won')
  })

  it('that was lost took the money, whatever becomes of another', async () => {
    const { unlockId, intentId } = await paid()
    await product.stripe.closeDispute((await product.stripe.dispute(intentId)).id, 'lost')
    await settled(product)
    const second = await product.stripe.dispute(intentId)
    await settled(product)
    expect(await statusOfDispute(unlockId)).toBe('closed: lost')
    await product.stripe.closeDispute(second.id, 'won')
    await settled(product)
    expect(await statusOfDispute(unlockId)).toBe('closed: lost')
  })

  it('that is closed before we hear of it, or told of twice, calls nobody', async () => {
    const { unlockId, intentId } = await paid()
    product.stripe.holdWebhooks()
    await product.stripe.dispute(intentId)
    await product.stripe.closeDispute(intentId, 'won')
    for (const type of ['charge.dispute.closed', 'charge.dispute.created']) {
      await arrives(type)
      await settled(product)
    }
    expect(await escalationsOf(product, unlockId)).toEqual([])
    expect(await statusOfDispute(unlockId)).toBe('closed: won')
  })
})
