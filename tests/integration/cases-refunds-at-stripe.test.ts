import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jobs } from '../../src/queues/contract.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { NotYetError } from '../../src/workers/errors.ts'
import { handlePayment } from '../../src/workers/jobs/handle-payment.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, newProvider } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, failedJobs, hurryUntil, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const { arrives, becomes, paymentsOf, settleRefundOf } = refundsOf(() => product)

const refundedCentsOf = async (unlockId: number) => (await product.unlock(unlockId)).payments[0].refunded_cents

/** What the export tells as `updated_at` of its payment, to the microsecond. */
async function lastChangeOf(unlockId: number): Promise<string> {
  const [row] = await product.rows<{ at: string }>('select updated_at::text as at from payments where unlock_id = ?', [
    unlockId,
  ])
  return row?.at ?? ''
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

/** Gives a part back in the dashboard, and has Stripe refuse to give back the rest, because of a dispute. */
async function partAndFailedRest() {
  const dana = await newProvider(product)
  const { unlockId } = await dana.hasDetails()
  const [{ id: paymentId, payment_intent_id: intentId }] = (await product.unlock(unlockId)).payments
  const part = await product.stripe.refund(intentId, { amount: 500 })
  await until('the note', async () => (await refundedCentsOf(unlockId)) === 500)
  product.stripe.failNextRefund()
  await product.api('POST', `/api/unlocks/${unlockId}/refund`)
  return { unlockId, paymentId, intentId, part }
}

const lastAttempt = (data: object) => ({ id: '1', data, number: 5, of: 5 })

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
    expect(await product.statusOf(unlockId)).toBe('DONE')
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
    expect(await refundedCentsOf(unlockId)).toBe(500)
  })

  it('of a part is still told when our refund of the rest fails, at once or later', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const [{ payment_intent_id: intentId }] = (await product.unlock(unlockId)).payments
    await product.stripe.refund(intentId, { amount: 500 })
    await until('the note', async () => (await refundedCentsOf(unlockId)) === 500)

    const error = { type: 'invalid_request_error', code: 'charge_disputed', message: 'Charge has been disputed.' }
    product.stripe.faults.add({ kind: 'status', status: 400, body: { error }, method: 'POST', path: '/v1/refunds' })
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refund_failed')
    expect(await refundedCentsOf(unlockId)).toBe(500)

    product.stripe.setRefundOutcome('pending')
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refund_pending')
    await settled(product)
    product.stripe.setRefundOutcome('succeeded')
    await settleRefundOf(unlockId, 'failed')
    await becomes(unlockId, 'refund_failed')
    expect(await refundedCentsOf(unlockId)).toBe(500)
  })

  it('of a part of which no event told is still told when our refund of the rest fails', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await dana.says(`N ${leadId}`)
    await settled(product)
    product.stripe.holdWebhooks()
    const { paymentIntent } = await product.stripe.payLink(url, { force: true })
    await product.stripe.refund(paymentIntent.id, { amount: 500 })
    await dana.says(`Y ${leadId}`)
    await product.reaches(unlockId, 'DONE')

    product.stripe.setRefundOutcome('pending')
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refund_pending')
    product.stripe.setRefundOutcome('succeeded')
    await settleRefundOf(unlockId, 'failed')
    await product.rows('update payments set next_attempt_at = app_now() where unlock_id = ?', [unlockId])
    await becomes(unlockId, 'refund_failed')
    expect(await refundedCentsOf(unlockId)).toBe(500)
  })

  it('of a part is told of though it was made after a refund of the whole failed', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const [{ payment_intent_id: intentId }] = (await product.unlock(unlockId)).payments
    const whole = await product.stripe.refund(intentId)
    await becomes(unlockId, 'refunded')
    await settled(product)
    await product.stripe.settleRefund(whole.id, 'failed')
    await becomes(unlockId, 'refund_failed')
    await settled(product)
    await product.stripe.refund(intentId, { amount: 500 })
    await until('the part to be told of', async () => (await refundedCentsOf(unlockId)) === 500)
    expect(await paymentsOf(unlockId)).toEqual(['refund_failed'])
  })

  it('of a part that fails once a person has paid back the rest another way calls a person again', async () => {
    const { unlockId, part } = await partAndFailedRest()
    await escalated(product, unlockId, 'refund_failed')
    const [escalation] = await product.rows<{ id: number }>(
      `select id from escalations where kind = 'refund_failed' and unlock_id = ? and resolved_at is null`,
      [unlockId],
    )
    await product.api('POST', `/api/escalations/${escalation?.id}/resolve`, { note: 'paid back 1500 in cash' })
    await settled(product)
    await product.stripe.settleRefund(part.id, 'failed')
    await escalated(product, unlockId, 'refund_failed')
    expect(await refundedCentsOf(unlockId)).toBe(0)
    expect(await paymentsOf(unlockId)).toEqual(['refund_failed'])
  })

  it('of a part that fails while a person is called about the rest calls nobody else', async () => {
    const { unlockId, part } = await partAndFailedRest()
    await escalated(product, unlockId, 'refund_failed')
    await settled(product)
    await product.stripe.settleRefund(part.id, 'failed')
    await until('the word of it', async () => (await refundedCentsOf(unlockId)) === 0)
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual(['refund_failed'])
  })

  it('of a part that fails once a person has paid back the rest another way leaves the rest to them', async () => {
    const { unlockId, paymentId, intentId, part } = await partAndFailedRest()
    const job = () => failedJob(product, 'refund-payment', { payment_id: paymentId })
    const failed = await job()
    const [{ id: escalationId } = { id: 0 }] = await product.rows<{ id: number }>(
      `select id from escalations where kind = 'refund_failed' and unlock_id = ?`,
      [unlockId],
    )
    await product.api('POST', `/api/escalations/${escalationId}/resolve`, { note: 'paid back 1500 in cash' })
    await settled(product)
    await product.stripe.settleRefund(part.id, 'failed')
    await escalated(product, unlockId, 'refund_failed')

    await failed.retry('failed')
    await until('its job to say so', async () => (await job()).failedReason === 'settled_by_hand')
    expect(product.stripe.refunds().filter(({ payment_intent }) => payment_intent === intentId)).toHaveLength(1)
    await product.stripe.refund(intentId)
    await becomes(unlockId, 'refunded')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('of a part, a dispute, and the refund of the rest by an operator each are the last change of the payment', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const [{ payment_intent_id: intentId }] = (await product.unlock(unlockId)).payments
    const changes = [await lastChangeOf(unlockId)]
    await product.stripe.refund(intentId, { amount: 500 })
    await until('the note', async () => (await refundedCentsOf(unlockId)) === 500)
    changes.push(await lastChangeOf(unlockId))
    await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    changes.push(await lastChangeOf(unlockId))
    await settled(product)
    const refunds = product.publisher.queues.get('refund-payment')
    await refunds?.pause()
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    changes.push(await lastChangeOf(unlockId))
    product.stripe.setRefundOutcome('pending')
    await refunds?.resume()
    await until('Stripe to be asked', async () => (await paymentsOf(unlockId))[0] !== 'refund_due')
    changes.push(await lastChangeOf(unlockId))
    expect(new Set(changes).size).toBe(changes.length)
    expect(changes.toSorted()).toEqual(changes)
  })

  it('in parts of which no event told is told of as a whole by our own, also when an earlier one had failed', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const [{ payment_intent_id: intentId }] = (await product.unlock(unlockId)).payments
    const failed = await product.stripe.refund(intentId, { amount: 500 })
    await until('the note', async () => (await refundedCentsOf(unlockId)) === 500)
    await settled(product)
    await product.stripe.settleRefund(failed.id, 'failed')
    await until('its failure', async () => (await refundedCentsOf(unlockId)) === 0)

    product.stripe.holdWebhooks()
    await product.stripe.refund(intentId, { amount: 1200 })
    await product.stripe.refund(intentId)
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refunded')
    expect(await product.rows('select from escalations where unlock_id = ?', [unlockId])).toEqual([])
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
    expect(await refundedCentsOf(unlockId)).toBe(0)
  })

  it('of which Stripe cannot be asked for some minutes is followed all the same, and nobody is called', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    product.stripe.holdWebhooks()
    await product.stripe.refund(payments[0].payment_intent_id, { amount: 500 })
    product.stripe.faults.add({ kind: 'status', status: 503, method: 'GET', path: '/v1/refunds', times: null })
    const data = { inbox_id: await arrives('charge.refunded') }
    await withServices(product, async (services) => {
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

  it.each([
    ['its charge', ['charge.refunded']],
    ['its own', ['refund.created', 'refund.failed']],
  ])(
    'that has failed since, and whose events came before the one of the payment, leaves the details due: %s',
    async (_, types) => {
      const dana = await newProvider(product)
      const { unlockId, url } = await dana.hasLink()
      await settled(product)
      product.stripe.holdWebhooks()
      const { paymentIntent } = await product.stripe.payLink(url)
      const refund = await product.stripe.refund(paymentIntent.id)
      await product.stripe.settleRefund(refund.id, 'failed')
      for (const type of types) {
        const early = await arrives(type)
        await until('the refund to be looked at', async () => {
          const [row] = await product.rows<{ intent: string }>(
            'select payment_intent_id as intent from webhook_inbox where id = ?',
            [early],
          )
          return row?.intent === paymentIntent.id
        })
      }
      await arrives('checkout.session.completed')
      await product.reaches(unlockId, 'DONE')
      await settled(product)
      expect(dana.inbox(DETAILS)).toHaveLength(1)
      expect(await paymentsOf(unlockId)).toEqual(['kept'])
      expect(await openKinds(product, unlockId)).toEqual([])
    },
  )

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

    await withServices(product, async (services) => {
      // The refund has looked for its payment, and not found it, right before the payment was stored.
      await product.rows(`update webhook_inbox set status = 'processed' where id = ?`, [refunded])
      expect(await makeAttempt(services, handlePayment, lastAttempt({ inbox_id: paid }))).toEqual({ type: 'done' })
      await product.rows(`update webhook_inbox set status = 'received' where id = ?`, [refunded])
      const tooEarly = { ...handlePayment, run: () => Promise.reject(new NotYetError()) }
      const outcome = await makeAttempt(services, tooEarly, lastAttempt({ inbox_id: refunded }))
      expect(outcome).toEqual({ type: 'done' })
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
    expect(await failedJobs(product, 'handle-payment')).toEqual([])
  })
})
