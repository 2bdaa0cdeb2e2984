import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openEscalation } from '../../src/db/escalations/escalations.ts'
import { parkMessage } from '../../src/db/ledger/outcomes.ts'
import { recordClosed, recordLink, takeNewLinkAttempt } from '../../src/db/payments/links.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { closePaymentLink } from '../../src/workers/jobs/close-payment-link.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { LINK, newProvider, type TestProvider } from '../support/provider.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, hurryUntil, moveClock, openKinds, somebodyWaits } from '../support/steering.ts'
import { until } from '../support/until.ts'

const CREATE = { method: 'POST', path: '/v1/payment_links' }
/** More often than the SDK repeats a call by itself. */
const BEYOND_THE_SDK = 4
const HOUR_MS = 3_600_000

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const linksOf = (unlockId: number) =>
  product.stripe.links().filter(({ metadata }) => metadata.unlock_id === String(unlockId))

/** The provider got one URL, however often, and it is the one link of the unlock that can be paid. */
async function expectOneLink(provider: TestProvider, unlockId: number): Promise<void> {
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
  await settled(product)
  const url = await provider.getsLink()
  expect(new Set(provider.inbox(LINK)).size).toBe(1)
  expect(linksOf(unlockId).filter(({ active }) => active)).toMatchObject([{ url }])
  expect(await openKinds(product, unlockId)).toEqual([])
}

/** A provider says Y, and Stripe makes the link without our learning of it. */
async function hasUnclearLink({
  times = BEYOND_THE_SDK,
  ...config
}: {
  times?: number | null
  ttl_hours?: number
} = {}) {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasTeaser(config)
  product.stripe.faults.add({ ...CREATE, kind: 'accept_then_drop', times })
  await dana.says('Y')
  await until('the link to be made', () => linksOf(unlockId).length > 0)
  return { dana, leadId, unlockId }
}

/** The same, and the job that would try again is lost with Redis. */
async function hasUnclearLinkAndNoJob(config?: { ttl_hours?: number }) {
  const unclear = await hasUnclearLink({ ...config, times: null })
  await until('its job to be lost', async () => {
    const delayed = (await product.publisher.queues.get('create-payment-link')?.getDelayed()) ?? []
    const job = delayed.find(({ data }) => data.unlock_id === unclear.unlockId)
    await job?.remove()
    return job !== undefined
  })
  product.stripe.faults.clear()
  return unclear
}

/** A provider says Y, and nobody knows whether the text with their link went out, which it did. */
async function hasUnclearText() {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasTeaser()
  product.textmagic.configure({ receipts: 'manual' })
  product.textmagic.faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'accept_then_status', status: 500 })
  product.textmagic.faults.add({ method: 'GET', path: '/api/v2/sessions', kind: 'status', status: 500, times: null })
  await dana.says('Y')
  await dana.gets(LINK)
  return { dana, leadId, unlockId }
}

/** The carrier says that they got it. */
async function tellDelivered(provider: TestProvider, unlockId: number): Promise<void> {
  const sent = product.textmagic.messages().find(({ phone, text }) => phone === provider.phone && LINK.test(text))
  await product.textmagic.deliver(sent?.id ?? 0, 'd')
  await until('the receipt to be recorded', async () => {
    const { messages } = await product.unlock(unlockId)
    return messages.some((one: { purpose: string; status: string }) => {
      return one.purpose === 'payment_link' && one.status === 'delivered'
    })
  })
}

describe('making a payment link', () => {
  it.each([
    { name: 'answered 500, which Stripe repeats under the same key', kind: 'status', status: 500 },
    { name: 'answered 500 though it was made', kind: 'accept_then_status', status: 500 },
  ] as const)('$name, leaves one link', async ({ kind, status }) => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    product.stripe.recordedFaults.add({ ...CREATE, kind, status, times: 1 })
    await dana.says('Y')
    await expectOneLink(dana, unlockId)
  })

  it.each([
    { name: 'answered 409', fault: { kind: 'status', status: 409 } },
    // These the SDK does not repeat.
    { name: 'answered 429', fault: { kind: 'status', status: 429, times: 1 } },
    { name: 'answered 401', fault: { kind: 'status', status: 401, times: 1 } },
    { name: 'dropped before it was made', fault: { kind: 'drop' } },
    { name: 'dropped after it was made', fault: { kind: 'accept_then_drop' } },
    { name: 'answered 503 on the way back', fault: { kind: 'accept_then_status', status: 503 } },
  ] as const)('$name, beyond the patience of the SDK, leaves one link', async ({ fault }) => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    product.stripe.faults.add({ ...CREATE, times: BEYOND_THE_SDK, ...fault })
    await dana.says('Y')
    await expectOneLink(dana, unlockId)
  })

  it('asked for twice at once while Stripe answers 500 leaves one link', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    product.stripe.recordedFaults.add({ ...CREATE, kind: 'accept_then_status', status: 500, times: 2 })
    await Promise.all([dana.says('Y'), dana.says(`Y ${leadId}`), dana.says('yes')])
    const wakeUp = { job: 'create-payment-link', unlock_id: unlockId } as const
    await product.publisher.publish([wakeUp, wakeUp, wakeUp])
    await expectOneLink(dana, unlockId)
  })

  it('that failed twice under one key is tried again under one new key', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    const failed = { id: unlockId, linkGeneration: 0, linkAttempt: 0 }
    const takeNext = () => inTransaction(product.db.em, (tx) => takeNewLinkAttempt(tx, failed))
    await Promise.all([takeNext(), takeNext()])
    const [row] = await product.rows('select link_attempt from lead_unlocks where id = ?', [unlockId])
    expect(row).toEqual({ link_attempt: 1 })
  })

  it('that nobody answers in time leaves one link', { timeout: 90_000 }, async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    product.stripe.faults.add({ ...CREATE, kind: 'accept_then_hang' })
    await dana.says('Y')
    await until('the link to be sent', () => dana.inbox(LINK).length > 0, undefined, 60_000)
    await expectOneLink(dana, unlockId)
  })

  it('refused for good calls a person; Retry makes it under a new key and resolves the escalation', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    product.stripe.recordedFaults.add({ ...CREATE, kind: 'status', status: 400 })
    await dana.says('Y')
    await escalated(product, unlockId, 'payment_link_failed')
    await (await failedJob(product, 'create-payment-link', { unlock_id: unlockId })).retry('failed')
    await expectOneLink(dana, unlockId)
  })

  it('refused for good stays a person’s matter when only the text with the link of before turns out to have gone out', async () => {
    const { dana, leadId, unlockId } = await hasUnclearText()
    await dana.says(`N ${leadId}`)
    await until('the link to be closed', async () => (await product.unlock(unlockId)).links[0]?.status === 'closed')
    product.stripe.recordedFaults.add({ ...CREATE, kind: 'status', status: 400 })
    await dana.says(`Y ${leadId}`)
    await escalated(product, unlockId, 'payment_link_failed')
    await tellDelivered(dana, unlockId)
    expect(await openKinds(product, unlockId)).toEqual(['payment_link_failed'])
    await (await failedJob(product, 'create-payment-link', { unlock_id: unlockId })).retry('failed')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('whose text was given up is nobody’s matter any more when it turns out to have gone out, after an N as well', async () => {
    const { dana, leadId, unlockId } = await hasUnclearText()
    const { messages } = await product.unlock(unlockId)
    const text = messages.find(({ purpose }: { purpose: string }) => purpose === 'payment_link')
    await inTransaction(product.db.em, (tx) => parkMessage(tx, text.id, 'unclear'))
    expect(await openKinds(product, unlockId)).toEqual(['payment_link_failed'])
    await dana.says(`N ${leadId}`)
    await until('the link to be closed', async () => (await product.unlock(unlockId)).links[0]?.status === 'closed')
    await tellDelivered(dana, unlockId)
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('whose outcome is unclear when the provider declines leaves no link that can be paid', async () => {
    const { dana, leadId, unlockId } = await hasUnclearLink()
    await dana.says(`N ${leadId}`)
    await product.reaches(unlockId, 'EXPIRED')
    await until('the link to be closed', () => linksOf(unlockId).every(({ active }) => !active))
    await settled(product)
    expect(dana.inbox(LINK)).toHaveLength(0)
  })

  it('whose outcome is unclear is closed after the offer was, though its job is lost with Redis', async () => {
    const { dana, leadId, unlockId } = await hasUnclearLinkAndNoJob()
    await dana.says(`N ${leadId}`)
    await product.reaches(unlockId, 'EXPIRED')
    expect(linksOf(unlockId).map(({ active }) => active)).toEqual([true])
    await moveClock(product, 61)
    await until('the link to be closed', () => linksOf(unlockId).every(({ active }) => !active))
    await settled(product)
    expect(dana.inbox(LINK)).toHaveLength(0)
    await until('nothing to be looked for any more', async () => {
      return (await product.rows('select from lead_unlocks where id = ? and link_unrecorded', [unlockId])).length === 0
    })
  })

  it('that was never asked for is looked for once, and not with each text that asks for the next one again', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    product.stripe.faults.add({ method: 'GET', path: '/v1/payment_intents', kind: 'status', status: 503, times: null })
    await dana.says('Y')
    await dana.says(`N ${leadId}`)
    product.stripe.faults.clear()
    await dana.says(`Y ${leadId}`)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    const searches = () =>
      product.stripe.requestLog().filter(({ method, path }) => method === 'GET' && path === '/v1/payment_links').length
    await dana.says('Y')
    await dana.gets(LINK, 2)
    await settled(product)
    const searched = searches()
    await dana.says('Y')
    await dana.gets(LINK, 3)
    await settled(product)
    expect(searches()).toBe(searched)
  })

  it('that was never asked for, however often, is looked for in one pass through the links of the account', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    product.stripe.faults.add({ method: 'GET', path: '/v1/payment_intents', kind: 'status', status: 503, times: null })
    for (let generation = 1; generation <= 3; generation += 1) {
      await dana.says(`Y ${leadId}`)
      await dana.says(`N ${leadId}`)
    }
    product.stripe.faults.clear()
    const queue = product.publisher.queues.get('create-payment-link')
    await hurryUntil(product, 'create-payment-link', 'its jobs to end', async () => {
      return (await queue?.getJobCountByTypes('waiting', 'active', 'delayed')) === 0
    })
    const searches = () =>
      product.stripe.requestLog().filter(({ method, path }) => method === 'GET' && path === '/v1/payment_links').length
    const before = searches()
    await dana.says(`Y ${leadId}`)
    await expectOneLink(dana, unlockId)
    expect(searches() - before).toBe(1)
  })

  it('whose outcome is unclear, taken up when Stripe has forgotten its key, leaves one link', async () => {
    const { dana, unlockId } = await hasUnclearLinkAndNoJob({ ttl_hours: 72 })
    product.stripe.advanceClock(25 * HOUR_MS)
    await moveClock(product, (25 * HOUR_MS) / 1000)
    await expectOneLink(dana, unlockId)
  })

  it('whose outcome is unclear when the provider declines and says Y again leaves the newer one', async () => {
    const { dana, leadId, unlockId } = await hasUnclearLink()
    await dana.says(`N ${leadId}`)
    await dana.says(`Y ${leadId}`)
    await expectOneLink(dana, unlockId)
    expect(linksOf(unlockId).map(({ active }) => active)).toEqual([false, true])
  })
})

it('a link of a worker that stood still, while another made one for the same offer, is closed; the other can be paid', async () => {
  const dana = await newProvider(product)
  const { leadId, unlockId, url } = await dana.hasLink()
  await settled(product)
  await withServices(product, async (services) => {
    const late = await services.stripe.createPaymentLink({
      unlockId,
      leadId,
      providerId: dana.id,
      generation: 1,
      attempt: 7,
      priceCents: 2000,
      currency: 'usd',
      productName: 'Client inquiry',
      inactiveMessage: 'This link is closed: it was paid, or the offer is over.',
    })
    for (const link of [late, late]) {
      await services.publisher.publish(await inTransaction(product.db.em, (tx) => recordLink(tx, unlockId, 1, link)))
    }
    await until('the late link to be closed', () =>
      linksOf(unlockId).some(({ id, active }) => id === late.id && !active),
    )
    await settled(product)
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
  })
})

describe('asking Stripe for an existing payment', () => {
  it('is tried until it is answered; no link is made before', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    product.stripe.faults.add({ method: 'GET', path: '/v1/payment_intents', kind: 'status', status: 500, times: null })
    await dana.says('Y')
    await until('the failed question', async () => {
      const requests = product.stripe.requestLog()
      return requests.filter(({ path, status }) => path.startsWith('/v1/payment_intents') && status === 500).length >= 3
    })
    expect(linksOf(unlockId)).toHaveLength(0)
    product.stripe.faults.clear()
    await expectOneLink(dana, unlockId)
  })
})

describe('closing a payment link', () => {
  it('is tried until Stripe does it', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    const [link] = linksOf(unlockId)
    const path = `/v1/payment_links/${link?.id}`
    product.stripe.faults.add({ method: 'POST', path, kind: 'status', status: 500, times: BEYOND_THE_SDK })
    await dana.says('N')
    await until('the link to be closed', () => linksOf(unlockId).every(({ active }) => !active))
  })

  it('is done before the next one is made, so that no two can be paid', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasLink()
    await settled(product)
    const [link] = linksOf(unlockId)
    const path = `/v1/payment_links/${link?.id}`
    product.stripe.faults.add({ method: 'POST', path, kind: 'status', status: 503, times: null })
    await dana.says(`N ${leadId}`)
    await dana.says(`Y ${leadId}`)
    const queue = product.publisher.queues.get('create-payment-link')
    await until('an attempt to make the next to fail', async () => ((await queue?.getDelayedCount()) ?? 0) > 0)
    expect(linksOf(unlockId)).toHaveLength(1)
    product.stripe.faults.clear()
    await hurryUntil(product, 'create-payment-link', 'the next one', async () => {
      return (await product.statusOf(unlockId)) === 'AWAITING_PAYMENT'
    })
    expect(linksOf(unlockId).filter(({ active }) => active)).toHaveLength(1)
  })

  it('is tried until the checkout pages open on it are ended too', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const page = await product.stripe.openSession(url)
    const path = `/v1/checkout/sessions/${page.id}/expire`
    product.stripe.faults.add({ method: 'POST', path, kind: 'drop', times: BEYOND_THE_SDK })
    await dana.says('N')
    await product.reaches(unlockId, 'EXPIRED')
    await until('the page to end', () => {
      return product.stripe.sessions().some(({ id, status }) => id === page.id && status === 'expired')
    })
  })

  it('that Stripe does not know calls nobody', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    const [link] = linksOf(unlockId)
    await product.rows('update payment_links set stripe_id = ? where unlock_id = ?', [`plink_of_${unlockId}`, unlockId])
    await dana.says('N')
    await until('the link to be closed', async () => {
      const closed = `select from payment_links where unlock_id = ? and status = 'closed'`
      return (await product.rows(closed, [unlockId])).length === 1
    })
    expect(await openKinds(product, unlockId)).toEqual([])
    const known = `update payment_links set stripe_id = ?, status = 'closing', next_attempt_at = app_now() where unlock_id = ?`
    await product.rows(known, [link?.id, unlockId])
  })

  it('that Stripe refuses for good calls a person; Retry closes it and resolves the escalation', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    const [link] = linksOf(unlockId)
    product.stripe.faults.add({ method: 'POST', path: `/v1/payment_links/${link?.id}`, kind: 'status', status: 400 })
    await dana.says('N')
    await escalated(product, unlockId, 'link_not_closed')
    const [row] = await product.rows<{ id: number }>('select id from payment_links where unlock_id = ?', [unlockId])
    await (await failedJob(product, 'close-payment-link', { payment_link_id: Number(row?.id) })).retry('failed')
    await escalated(product, unlockId, 'link_not_closed', false)
    expect(linksOf(unlockId).every(({ active }) => !active)).toBe(true)
  })

  it('that another worker does while it is given up calls nobody', async () => {
    const { unlockId, linkId } = await hasLinkOfUnclearEnd()
    const closing = await product.db.em.fork().transactional(async (tx) => {
      await recordClosed(tx, linkId)
      const givingUp = giveUp(linkId)
      await somebodyWaits(product)
      return { givingUp }
    })
    await closing.givingUp
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('while another worker gives it up resolves the escalation', async () => {
    const { unlockId, linkId } = await hasLinkOfUnclearEnd()
    const givingUp = await inTransaction(product.db.em, async (tx) => {
      await tx.execute('select from payment_links where id = ? for update', [linkId])
      await openEscalation(tx, { kind: 'link_not_closed', subject: `link:${linkId}`, unlockId, summary: 'not closed' })
      const closing = recordClosed(product.db.em.fork(), linkId)
      await somebodyWaits(product)
      return { closing }
    })
    await givingUp.closing
    expect(await openKinds(product, unlockId)).toEqual([])
  })
})

/** Declined, and Stripe closes the link without our learning of it. */
async function hasLinkOfUnclearEnd() {
  const dana = await newProvider(product)
  const { unlockId } = await dana.hasLink()
  const [link] = await product.rows<{ id: number; stripe_id: string }>(
    'select id, stripe_id from payment_links where unlock_id = ?',
    [unlockId],
  )
  const path = `/v1/payment_links/${link?.stripe_id}`
  product.stripe.faults.add({ method: 'POST', path, kind: 'accept_then_status', status: 503, times: null })
  await dana.says('N')
  await until('the link to be closed', () => linksOf(unlockId).every(({ active }) => !active))
  return { unlockId, linkId: link?.id ?? 0 }
}

/** The last attempt to close a link fails. */
async function giveUp(linkId: number): Promise<void> {
  const failing = { ...closePaymentLink, run: () => Promise.reject(new Error('not closed')) }
  await withServices(product, async (services) => {
    await makeAttempt(services, failing, { id: '1', data: { payment_link_id: linkId }, number: 5, of: 5 })
  })
}
