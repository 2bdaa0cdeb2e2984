import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { callbackUrls } from '../../src/sandbox/environment.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, newProvider } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { refuseToStore } from '../support/refuse-to-store.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, moveClock, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** Seconds after which an open link is asked about. */
const BEYOND_GRACE = 60
/** Seconds after which an open link is asked about again. */
const BEYOND_LINK_TURN = 700

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { BACKFILL_MINUTES: '0.02' } })
})
beforeEach(async () => {
  product.stripe.setWebhook({ url: callbackUrls(product.url, product.secrets).stripe })
  await calm(product)
})
afterAll(() => closeChecked(product))

/** Every event is accepted by somebody, and none of them reaches us. */
async function loseEvents(): Promise<void> {
  const somebody = createServer((_request, response) => response.writeHead(204).end())
  await new Promise<void>((resolve) => somebody.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    somebody.closeAllConnections()
    somebody.close()
  })
  const { port } = somebody.address() as AddressInfo
  product.stripe.setWebhook({ url: `http://127.0.0.1:${port}` })
}

/** Stripe lists no events: one that is not delivered yet would tell of a payment before what comes next has become of it. */
function hideEvents(): void {
  product.stripe.faults.add({ method: 'GET', path: '/v1/events', kind: 'status', status: 404, times: null })
}

/** A provider pays, what becomes of the payment follows, and we hear of none of it. */
async function paysUnheard(follows: (intentId: string) => Promise<unknown>) {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  await loseEvents()
  const { paymentIntent } = await product.stripe.payLink(url)
  await follows(paymentIntent.id)
  await product.stripe.webhooksIdle()
  await moveClock(product, BEYOND_GRACE)
  return { dana, unlockId }
}
const { becomes, settleRefundOf } = refundsOf(() => product)
const paymentOf = async (unlockId: number) => (await product.unlock(unlockId)).payments[0]

describe('payments of which no webhook told', () => {
  it('are fetched from the events that were not delivered', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
    await product.stripe.releaseWebhooks({ duplicate: true })
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('may be told of by an event whose time nobody can read, which is kept all the same', async () => {
    const id = 'evt_of_no_time'
    const event = { id, object: 'event', created: 1e12, type: 'customer.created', data: { object: {} } }
    const body = { object: 'list', data: [event], has_more: false, url: '/v1/events' }
    product.stripe.faults.add({ method: 'GET', path: '/v1/events', kind: 'status', status: 200, body, times: null })
    await until('the event to be kept', async () => {
      const rows = await product.rows(`select from webhook_inbox where external_id = ? and status = 'processed'`, [id])
      return rows.length === 1
    })
  })

  it('are found on their links, whatever became of the events', async () => {
    const { dana, unlockId } = await paysUnheard(async () => undefined)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('are found as their link is closed, whatever became of the events', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await loseEvents()
    const { paymentIntent } = await product.stripe.payLink(url)
    const path = `/v1/payment_intents/${paymentIntent.id}`
    product.stripe.faults.add({ method: 'GET', path, kind: 'status', status: 500, times: 1 })
    await dana.texts(`N ${leadId}`)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('are asked for no more as their link is closed when they are known', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    await until('the link to be closed', async () => {
      const [link] = await product.rows<{ status: string }>('select status from payment_links where unlock_id = ?', [
        unlockId,
      ])
      return link?.status === 'closed'
    })
    const [payment] = await product.rows<{ checkout_session_id: string }>(
      'select checkout_session_id from payments where unlock_id = ?',
      [unlockId],
    )
    expect(payment?.checkout_session_id).toMatch(/^cs_/)
    const found = await product.rows('select from webhook_inbox where external_id = ?', [
      `backfill:${payment?.checkout_session_id}`,
    ])
    expect(found).toHaveLength(0)
  })

  it('are found on their links though Stripe does not know another one', async () => {
    const eve = await newProvider(product)
    const { unlockId: unknown } = await eve.hasLink()
    const [link] = await product.rows<{ id: number; stripe_id: string }>(
      'select id, stripe_id from payment_links where unlock_id = ?',
      [unknown],
    )
    const rename = (stripeId: string | undefined) =>
      product.rows('update payment_links set stripe_id = ? where id = ?', [stripeId, link?.id])
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await rename('plink_of_another_account')
    await loseEvents()
    await product.stripe.payLink(url)
    await product.stripe.webhooksIdle()
    await moveClock(product, BEYOND_GRACE)
    await product.reaches(unlockId, 'DONE')
    await rename(link?.stripe_id)
  })

  it.each([
    ['Stripe fails whenever it is asked about another one', { status: 500 }],
    ['what Stripe answers about another one cannot be read', { status: 200, body: {} }],
  ])('are found on their links though %s', async (_trouble, answer) => {
    const [eve, dana] = [await newProvider(product), await newProvider(product)]
    const [odd, sound] = [await eve.hasLink(), await dana.hasLink()]
    await loseEvents()
    const { paymentIntent } = await product.stripe.payLink(odd.url)
    const path = `/v1/payment_intents/${paymentIntent.id}`
    product.stripe.faults.add({ method: 'GET', path, kind: 'status', ...answer, times: null })
    await product.stripe.payLink(sound.url)
    await product.stripe.webhooksIdle()
    await moveClock(product, BEYOND_GRACE)
    await product.reaches(sound.unlockId, 'DONE')
    product.stripe.faults.clear()
    await moveClock(product, BEYOND_LINK_TURN)
    await product.reaches(odd.unlockId, 'DONE')
  })

  it('reveal nothing when they went back meanwhile', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    hideEvents()
    const { paymentIntent } = await product.stripe.payLink(url)
    await product.stripe.refund(paymentIntent.id)
    product.stripe.faults.clear()
    await until('the refund to be known', async () => {
      const { payments } = await product.unlock(unlockId)
      return payments[0]?.status === 'refunded'
    })
    await product.stripe.releaseWebhooks()
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('are found though a part of them went back meanwhile, which is noted', async () => {
    const { dana, unlockId } = await paysUnheard((intentId) => product.stripe.refund(intentId, { amount: 500 }))
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    await until('the part to be noted', async () => (await paymentOf(unlockId)).refunded_cents === 500)
    expect(await paymentOf(unlockId)).toMatchObject({ status: 'kept' })
  })

  it('are found with the part that went back: a refund of the rest that fails leaves it told, and another makes the whole', async () => {
    const { unlockId } = await paysUnheard((intentId) => product.stripe.refund(intentId, { amount: 500 }))
    await product.reaches(unlockId, 'DONE')
    await until('the part to be noted', async () => (await paymentOf(unlockId)).refunded_cents === 500)
    product.stripe.setRefundOutcome('pending')
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refund_pending')
    product.stripe.setRefundOutcome('succeeded')
    await settleRefundOf(unlockId, 'failed')
    await product.rows('update payments set next_attempt_at = app_now() where unlock_id = ?', [unlockId])
    await becomes(unlockId, 'refund_failed')
    expect(await paymentOf(unlockId)).toMatchObject({ refunded_cents: 500 })
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refunded')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('are found though they are disputed, and a person is called', async () => {
    const { unlockId } = await paysUnheard((intentId) => product.stripe.dispute(intentId))
    await product.reaches(unlockId, 'DONE')
    await escalated(product, unlockId, 'dispute')
    expect(await paymentOf(unlockId)).toMatchObject({ status: 'kept', dispute_status: 'needs_response' })
  })

  it('are found with their dispute though a run ended in the middle of what it found', async () => {
    const refusals: (() => Promise<void>)[] = []
    const { dana, unlockId } = await paysUnheard(async (intentId) => {
      const { id } = await product.stripe.dispute(intentId)
      // Anything but a refusal of this one row ends the run, as the end of its process would.
      refusals.push(await refuseToStore(product, `backfill:${id}:needs_response`, `exception using errcode = '57P01'`))
    })
    await until('the run to fail', () => product.log.some((line) => line.includes('57P01')))
    for (const end of refusals) await end()
    await moveClock(product, BEYOND_LINK_TURN)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    await escalated(product, unlockId, 'dispute')
  })

  it('are in the log as not looked for where Stripe does not answer, also when TextMagic does not either', async () => {
    await (await newProvider(product)).isOffered()
    const since = product.log.length
    const away = { method: 'GET', kind: 'status', status: 500, times: null } as const
    product.textmagic.faults.add({ ...away, path: '/api/v2/replies' })
    product.stripe.faults.add({ ...away, path: '/v1/events' })
    const isTold = (source: string) =>
      product.log.slice(since).some((line) => line.includes(`"source":"${source}"`) && line.includes('server_error'))
    await until('both to be told', () => isTold('replies') && isTold('events'))
  })

  it('are found though they were disputed, when the dispute was won, and nobody is called', async () => {
    const { unlockId } = await paysUnheard(async (intentId) => {
      await product.stripe.dispute(intentId)
      await product.stripe.closeDispute(intentId, 'won')
    })
    await product.reaches(unlockId, 'DONE')
    await until('the dispute to be noted', async () => (await paymentOf(unlockId)).dispute_status === 'closed: won')
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('reveal nothing when a dispute took them meanwhile', async () => {
    hideEvents()
    const { dana, unlockId } = await paysUnheard(async (intentId) => {
      await product.stripe.dispute(intentId)
      await product.stripe.closeDispute(intentId, 'lost')
    })
    await until('Stripe to be asked', async () => {
      const links = await product.rows(
        'select from payment_links where unlock_id = ? and next_attempt_at > app_now()',
        [unlockId],
      )
      return links.length > 0
    })
    // Whatever that run stored is handled.
    const { unlockId: other } = await paysUnheard(async () => undefined)
    await product.reaches(other, 'DONE')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect((await product.unlock(unlockId)).payments).toEqual([])
  })

  it('are found though the SMS gateway does not answer', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.faults.add({ method: 'GET', path: '/api/v2/replies', kind: 'status', status: 500, times: null })
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
  })
})
