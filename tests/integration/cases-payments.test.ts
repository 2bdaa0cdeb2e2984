import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, newProvider } from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const paymentsOf = async (unlockId: number): Promise<string[]> =>
  (await product.unlock(unlockId)).payments.map(({ status }: { status: string }) => status)
const isRefunded = (paymentIntentId: string) =>
  product.stripe.charges().some((charge) => charge.payment_intent === paymentIntentId && charge.refunded)

describe('a payment', () => {
  it('unlocks for the provider whose link was paid, and for nobody else', async () => {
    const [dana, erik] = [await newProvider(product), await newProvider(product)]
    const danas = await dana.hasLink()
    const eriks = await erik.hasLink()
    await product.stripe.payLink(danas.url)
    await product.reaches(danas.unlockId, 'DONE')
    await settled(product)
    expect(erik.inbox(DETAILS)).toHaveLength(0)
    expect(await product.statusOf(eriks.unlockId)).toBe('AWAITING_PAYMENT')
  })

  it('that names another unlock than its link does unlocks neither, and a person hears of it', async () => {
    const [dana, erik] = [await newProvider(product), await newProvider(product)]
    const danas = await dana.hasLink()
    const eriks = await erik.hasLink()
    const metadata = { unlock_id: String(eriks.unlockId), lead_id: eriks.leadId, provider_id: erik.id }
    const { session } = await product.stripe.payLink(danas.url, { metadata })
    await until('the escalation', async () => {
      const [row] = await product.rows(
        `select 1 from escalations where kind = 'unknown_unlock' and summary like ? and resolved_at is null`,
        [`%${session.id}%`],
      )
      return row !== undefined
    })
    await settled(product)
    expect(await product.statusOf(danas.unlockId)).toBe('AWAITING_PAYMENT')
    expect(await product.statusOf(eriks.unlockId)).toBe('AWAITING_PAYMENT')
  })

  it.each([
    { what: 'amount', paid: { amount: 1900 } },
    { what: 'currency', paid: { currency: 'eur' } },
  ])('of the wrong $what reveals nothing, and a person hears of it', async ({ paid }) => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url, paid)
    await escalated(product, unlockId, 'wrong_amount')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    const alerts = product.forwarded.filter(
      ({ path, body }) => path === '/alert' && body.includes(`unlock ${unlockId} `),
    )
    expect(alerts.map(({ body }) => JSON.parse(body).text)).toEqual([
      expect.stringMatching(/^\[wrong_amount\] Payment/),
    ])
    expect(await paymentsOf(unlockId)).toEqual(['held'])
  })

  it('for an unlock nobody knows is kept for a person to decide', async () => {
    const session = { ...product.stripe.sessions()[0], id: 'cs_test_unknown', payment_intent: 'pi_unknown' }
    await product.stripe.sendEvent('checkout.session.completed', {
      ...session,
      payment_status: 'paid',
      payment_link: 'plink_unknown',
      amount_total: 2000,
      currency: 'usd',
      metadata: { unlock_id: '4711', lead_id: 'lead_unknown1' },
    })
    await until('the escalation', async () => {
      const [row] = await product.rows<{ count: number }>(
        `select count(*)::int as count from escalations e join payments p on e.subject = 'payment:' || p.id
         where e.kind = 'unknown_unlock' and p.checkout_session_id = 'cs_test_unknown' and p.unlock_id is null`,
      )
      return row?.count === 1
    })
  })

  it.each([
    { names: 'another lead than ours', lead: { lead_id: 'lead_elsewher' } },
    { names: 'no lead', lead: {} },
  ])(
    'of another installation on the account, whose unlock has the number of ours and names $names, unlocks nothing',
    async ({ lead }) => {
      const dana = await newProvider(product)
      const { unlockId } = await dana.hasLink()
      const id = `cs_test_elsewhere_${unlockId}`
      await product.stripe.sendEvent('checkout.session.completed', {
        ...product.stripe.sessions()[0],
        id,
        payment_status: 'paid',
        payment_intent: `pi_elsewhere_${unlockId}`,
        payment_link: 'plink_elsewhere',
        amount_total: 2000,
        currency: 'usd',
        metadata: { unlock_id: String(unlockId), ...lead },
      })
      await until('the escalation', async () => {
        const found = await product.rows(
          `select from escalations where kind = 'unknown_unlock' and summary like ? and resolved_at is null`,
          [`%${id}%`],
        )
        return found.length > 0
      })
      await settled(product)
      expect(await product.statusOf(unlockId)).toBe('AWAITING_PAYMENT')
      expect(dana.inbox(DETAILS)).toHaveLength(0)
    },
  )

  it('made twice for one unlock is kept once; the second is given back, and a person hears of it', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const pages = [await product.stripe.openSession(url), await product.stripe.openSession(url)]
    for (const page of pages) await product.stripe.paySession(page.id, { force: true })
    await product.reaches(unlockId, 'DONE')
    await escalated(product, unlockId, 'second_payment')
    await settled(product)
    expect((await paymentsOf(unlockId)).toSorted()).toEqual(['kept', 'refunded'])
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('made twice while the details wait to be sent: they are sent though the second has gone back by then', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const queue = product.publisher.queues.get('reveal')
    await queue?.pause()
    onTestFinished(() => queue?.resume())
    const pages = [await product.stripe.openSession(url), await product.stripe.openSession(url)]
    for (const page of pages) await product.stripe.paySession(page.id, { force: true })
    await until('the second to go back', async () => {
      return (await paymentsOf(unlockId)).toSorted().join() === 'kept,refunded'
    })
    expect(await product.statusOf(unlockId)).toBe('PAID')
    await queue?.resume()
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('made again after everything is done is given back', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasDetails()
    const { paymentIntent } = await product.stripe.payLink(url, { force: true })
    await until('the refund', () => isRefunded(paymentIntent.id))
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('DONE')
    expect(await openKinds(product, unlockId)).toEqual(['second_payment'])
    const named = `Payment % of unlock ${unlockId} is being refunded: %`
    expect(await product.rows('select kind from escalations where summary like ?', [named])).toHaveLength(1)
  })
})

describe('a late payment', () => {
  it('after the TTL is answered with the details', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
    await product.reaches(unlockId, 'EXPIRED')
    await product.stripe.payLink(url, { force: true })
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('on the old link of an offer that was declined and reopened pays for it, and the new link is closed', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await dana.says(`N ${leadId}`)
    await dana.says(`Y ${leadId}`)
    await dana.getsLink(2)
    await product.stripe.payLink(url, { force: true })
    await product.reaches(unlockId, 'DONE')
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it('whose event never came is found when the provider says Y again, and no second link is made', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await dana.says(`N ${leadId}`)
    await settled(product)
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url, { force: true })
    await dana.says(`Y ${leadId}`)
    await product.reaches(unlockId, 'DONE')
    await product.stripe.releaseWebhooks()
    await settled(product)
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
    expect(product.stripe.links().filter(({ metadata }) => metadata.lead_id === leadId)).toHaveLength(1)
  })

  it.each([
    {
      name: 'of which a part went back since',
      follows: (intentId: string) => product.stripe.refund(intentId, { amount: 500 }),
      known: { refunded_cents: 500, dispute_status: null },
      called: [],
    },
    {
      name: 'whose dispute was won',
      follows: async (intentId: string) => {
        await product.stripe.dispute(intentId)
        await product.stripe.closeDispute(intentId, 'won')
      },
      known: { refunded_cents: 0, dispute_status: 'closed: won' },
      called: [],
    },
    {
      name: 'that is disputed',
      follows: (intentId: string) => product.stripe.dispute(intentId),
      known: { refunded_cents: 0, dispute_status: 'needs_response' },
      called: ['dispute'],
    },
  ])(
    '$name, and whose event never came, is found when the provider says Y again',
    async ({ follows, known, called }) => {
      const dana = await newProvider(product)
      const { leadId, unlockId, url } = await dana.hasLink()
      await dana.says(`N ${leadId}`)
      await settled(product)
      product.stripe.holdWebhooks()
      const { paymentIntent } = await product.stripe.payLink(url, { force: true })
      await follows(paymentIntent.id)
      await dana.says(`Y ${leadId}`)
      await product.reaches(unlockId, 'DONE')
      for (let told = 0; told < 2; told += 1) {
        expect((await product.unlock(unlockId)).payments).toMatchObject([{ status: 'kept', ...known }])
        expect(await openKinds(product, unlockId)).toEqual(called)
        await product.stripe.releaseWebhooks()
        await settled(product)
      }
      expect(product.stripe.links().filter(({ metadata }) => metadata.lead_id === leadId)).toHaveLength(1)
    },
  )

  it('that was given back at Stripe before we heard of it covers nothing: Y gets a link', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await dana.says(`N ${leadId}`)
    await settled(product)
    product.stripe.holdWebhooks()
    const { paymentIntent } = await product.stripe.payLink(url, { force: true })
    await product.stripe.refund(paymentIntent.id)
    await dana.says(`Y ${leadId}`)
    await dana.getsLink(2)
    await product.stripe.releaseWebhooks()
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect(await product.statusOf(unlockId)).toBe('AWAITING_PAYMENT')
    expect(await paymentsOf(unlockId)).toEqual(['refunded'])
  })

  it('after STOP is given back, and a person hears of it', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await dana.says('STOP')
    const { paymentIntent } = await product.stripe.payLink(url, { force: true })
    await until('the refund', () => isRefunded(paymentIntent.id))
    await escalated(product, unlockId, 'paid_after_opt_out')
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('OPTED_OUT')
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })
})

describe('a payment that settles later', () => {
  it('reveals nothing while it is unpaid, and reveals when it succeeds', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const { session } = await product.stripe.payLink(url, { async: true })
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('AWAITING_PAYMENT')
    await product.stripe.settleAsync(session.id, 'succeeded')
    await product.reaches(unlockId, 'DONE')
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it('reveals nothing when it fails', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const { session } = await product.stripe.payLink(url, { async: true })
    await product.stripe.settleAsync(session.id, 'failed')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    const { timeline, payments } = await product.unlock(unlockId)
    expect(payments).toEqual([])
    expect(timeline.map(({ cause }: { cause: string }) => cause)).toContain('stripe: payment failed')
  })
})

describe("Stripe's events", () => {
  it('delivered twice at once, and again later, count once', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url)
    const event = product.stripe.events().findLast((record) => record.event.type === 'checkout.session.completed')
    await product.stripe.resendEvent(event?.id ?? '', { duplicate: true })
    await product.stripe.releaseWebhooks({ duplicate: true, reverse: true })
    await product.reaches(unlockId, 'DONE')
    await product.stripe.resendEvent(event?.id ?? '')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it('of one payment under two event ids count once', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const { session } = await product.stripe.payLink(url)
    await product.stripe.sendEvent('checkout.session.completed', session)
    await product.stripe.sendEvent('checkout.session.async_payment_succeeded', session)
    await product.reaches(unlockId, 'DONE')
    await settled(product)
    expect(await paymentsOf(unlockId)).toEqual(['kept'])
  })

  it('named payment_link.payment_succeeded are kept and do nothing', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const link = product.stripe.links().find((one) => one.url === url)
    const { id } = await product.stripe.sendEvent('payment_link.payment_succeeded', link ?? {})
    await settled(product)
    const [row] = await product.rows<{ outcome: string }>('select outcome from webhook_inbox where external_id = ?', [
      id,
    ])
    expect(row?.outcome).toBe('ignored')
    expect(await product.statusOf(unlockId)).toBe('AWAITING_PAYMENT')
  })

  it('that cannot be read are kept, and a person hears of it', async () => {
    const { id } = await product.stripe.sendEvent('checkout.session.completed', { object: 'checkout.session' })
    await until('the escalation', async () => {
      const [row] = await product.rows(
        `select 1 from escalations e join webhook_inbox i on e.subject = 'inbox:' || i.id
         where i.external_id = ? and e.kind = 'inbox_failed'`,
        [id],
      )
      return row !== undefined
    })
  })
})

it('a payment of the test mode unlocks nothing where the key is of the live mode, though it is truly signed', async () => {
  const live = await startProduct({ env: { STRIPE_SECRET_KEY: 'sk_live_of_this_test' } })
  try {
    const dana = await newProvider(live)
    const { leadId, unlockId } = await dana.hasTeaser()
    const { id } = await live.stripe.sendEvent('checkout.session.completed', {
      id: 'cs_test_mode',
      payment_status: 'paid',
      amount_total: 2000,
      currency: 'usd',
      metadata: { unlock_id: String(unlockId), lead_id: leadId },
    })
    await until('the event to be handled', async () => {
      const [row] = await live.rows<{ outcome: string | null }>(
        'select outcome from webhook_inbox where external_id = ?',
        [id],
      )
      return row?.outcome != null
    })
    const { unlock, payments } = await live.unlock(unlockId)
    expect({ status: unlock.status, payments }).toEqual({ status: 'AWAIT_CONFIRM', payments: [] })
  } finally {
    await live.close()
  }
})
