import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { backfillOnce } from '../../src/workers/jobs/backfill.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, newProvider } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { LATE_PAYMENT: 'refund' } })
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const { becomes, passTtl, payLate, paymentsOf } = refundsOf(() => product)

/** Pays a second before the TTL, which passes before a worker gets to it. @param meanwhile what happens before it does */
async function paidInTimeAndExpired(unlockId: number, url: string, meanwhile?: () => Promise<void>): Promise<void> {
  await settled(product)
  const queue = product.publisher.queues.get('handle-payment')
  onTestFinished(() => queue?.resume())
  await queue?.pause()
  await product.stripe.payLink(url)
  await product.stripe.webhooksIdle()
  await passTtl(unlockId, -1)
  await product.reaches(unlockId, 'EXPIRED')
  await meanwhile?.()
  await queue?.resume()
}

describe('a payment under LATE_PAYMENT=refund', () => {
  it('made after the TTL goes back without a reveal', async () => {
    const { dana, unlockId } = await payLate()
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect(await product.statusOf(unlockId)).toBe('EXPIRED')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('made after the TTL, but in its second, is late: Stripe tells no more than the second', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await passTtl(unlockId, 5)
    await product.reaches(unlockId, 'EXPIRED')
    await settled(product)
    product.stripe.holdWebhooks()
    onTestFinished(async () => {
      await product.stripe.releaseWebhooks()
    })
    const { session } = await product.stripe.payLink(url, { force: true })
    const sql = "update lead_unlocks set ttl_expires_at = to_timestamp(?) + interval '1 millisecond' where id = ?"
    await product.rows(sql, [session.created, unlockId])
    await product.stripe.releaseWebhooks()
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('made in the second of the TTL is in time when its event came before it, however late its job', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await settled(product)
    // Closing the link, Stripe would be asked, and tells no more than the second.
    const queues = (['handle-payment', 'close-payment-link'] as const).map((name) => product.publisher.queues.get(name))
    onTestFinished(async () => {
      for (const queue of queues) await queue?.resume()
    })
    for (const queue of queues) await queue?.pause()
    const { session } = await product.stripe.payLink(url)
    await product.stripe.webhooksIdle()
    const second = 'to_timestamp(?)'
    await product.rows(
      `update webhook_inbox set sent_at = ${second}, received_at = ${second} + interval '500 milliseconds'
       where source = 'stripe' and status = 'received'`,
      [session.created, session.created],
    )
    await product.rows(
      `update lead_unlocks set ttl_expires_at = ${second} + interval '600 milliseconds' where id = ?`,
      [session.created, unlockId],
    )
    await product.reaches(unlockId, 'EXPIRED')
    await queues[0]?.resume()
    await becomes(unlockId, 'kept')
    await dana.gets(DETAILS)
  })

  it('whose event says that it is older than the unlock is in time or late by when it came', async () => {
    const queue = product.publisher.queues.get('handle-payment')
    onTestFinished(() => queue?.resume())
    await queue?.pause()
    const { dana, unlockId } = await payLate()
    await product.stripe.webhooksIdle()
    await product.rows(
      "update webhook_inbox set sent_at = to_timestamp(?) where source = 'stripe' and status = 'received'",
      [1_234_567_890],
    )
    await queue?.resume()
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('made before the TTL is not late, however long its job took', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await paidInTimeAndExpired(unlockId, url)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it.each([
    ['before the TTL is in time', -1, 'kept', 1],
    ['after the TTL is late', 5, 'refunded', 0],
  ])(
    'of which no event comes, made %s when it is found as its link is closed',
    async (_when, secondsLate, status, details) => {
      const dana = await newProvider(product)
      const { unlockId, url } = await dana.hasLink()
      product.stripe.holdWebhooks()
      onTestFinished(async () => {
        await product.stripe.releaseWebhooks()
      })
      await product.stripe.payLink(url)
      await passTtl(unlockId, secondsLate)
      await becomes(unlockId, status)
      await settled(product)
      expect(dana.inbox(DETAILS)).toHaveLength(details)
    },
  )

  it.each([
    [
      'fetched',
      () =>
        withServices(product, async (services) => {
          await backfillOnce(services, 'backfill:1')
        }),
    ],
    ['delivered, which Stripe tries for three days,', () => product.stripe.releaseWebhooks()],
  ])('made before the TTL is in time though its event is %s after it', async (_how, comes) => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    // It would be found as the link is closed.
    const closing = product.publisher.queues.get('close-payment-link')
    onTestFinished(() => closing?.resume())
    await closing?.pause()
    product.stripe.holdWebhooks()
    onTestFinished(async () => {
      await product.stripe.releaseWebhooks()
    })
    await product.stripe.payLink(url)
    await passTtl(unlockId, -1)
    await product.reaches(unlockId, 'EXPIRED')
    await comes()
    await becomes(unlockId, 'kept')
    await until('the details', () => dana.inbox(DETAILS).length === 1)
  })

  it('that waits for a worker is late once an operator has closed the offer by hand', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await paidInTimeAndExpired(unlockId, url, async () => {
      expect((await product.api('POST', `/api/unlocks/${unlockId}/expire`)).status).toBe(200)
    })
    await becomes(unlockId, 'refunded')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })
})
