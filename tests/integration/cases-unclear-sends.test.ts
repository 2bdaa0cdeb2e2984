import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { sendTeaser } from '../../src/workers/jobs/send-teaser.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, LINK, newProvider, TEASER } from '../support/provider.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, escalationsOf, failedJob, hurryUntil, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

const SEND = { method: 'POST', path: '/api/v2/messages' }
const REFUSED = {
  status: 400,
  body: { code: 400, message: 'Validation Failed', errors: { fields: { phones: ['no'] } } },
}

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

/** What the gateway does wrong once, and whether it has the message nevertheless. */
const FAULTS = [
  { name: 'answers 500 and has not taken it', fault: { kind: 'status', status: 500 } },
  { name: 'answers 503 and has taken it', fault: { kind: 'accept_then_status', status: 503 } },
  { name: 'drops the connection and has not taken it', fault: { kind: 'drop' } },
  { name: 'drops the connection and has taken it', fault: { kind: 'accept_then_drop' } },
  { name: 'answers without an id and has taken it', fault: { kind: 'accept_then_status', status: 201 } },
  { name: 'answers 429', fault: { kind: 'status', status: 429 } },
  { name: 'answers 401', fault: { kind: 'status', status: 401 } },
] as const

describe('a send that goes wrong', () => {
  it.each(FAULTS)('because the gateway $name, is accepted exactly once', async ({ fault }) => {
    const dana = await newProvider(product)
    product.textmagic.faults.add({ ...SEND, ...fault })
    const { unlockId } = await dana.isOffered()
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
    await calm(product)
    product.textmagic.faults.add({ ...SEND, ...fault })
    await dana.says('Y')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await calm(product)
    product.textmagic.faults.add({ ...SEND, ...fault })
    await product.stripe.payLink(await dana.getsLink())
    await product.reaches(unlockId, 'DONE')
    await settled(product)
    expect(dana.inbox(TEASER)).toHaveLength(1)
    expect(dana.inbox(LINK)).toHaveLength(1)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await openKinds(product, unlockId)).toEqual([])
  })
})

it('a send that is answered with the id of another message is not made again', async () => {
  const dana = await newProvider(product)
  const erin = await newProvider(product)
  await dana.hasTeaser()
  await settled(product)
  const takenFor = (phone: string) => product.textmagic.messages().find((message) => message.phone === phone)?.id ?? 0
  const body = { id: takenFor(dana.phone), type: 'message', messageId: takenFor(dana.phone) }
  // A receipt would tell what the answer does not.
  product.textmagic.configure({ receipts: 'manual' })
  product.textmagic.faults.add({ ...SEND, kind: 'accept_then_status', status: 201, body })
  // A gateway that mixes ids up need not list what it took.
  const none = { page: 1, pageCount: 1, resources: [] }
  product.textmagic.faults.add({ method: 'GET', path: '/api/v2/sessions', kind: 'status', status: 200, body: none })
  const { unlockId } = await erin.hasTeaser()
  const { messages } = await product.unlock(unlockId)
  expect(messages).toMatchObject([{ purpose: 'teaser', attempts: 1 }])
  expect(erin.inbox(TEASER)).toHaveLength(1)
  await product.textmagic.deliver(takenFor(erin.phone), 'd')
})

describe('when the gateway never answers', () => {
  it('and has taken the details, they are found there and not sent again', { timeout: 60_000 }, async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await calm(product)
    product.textmagic.configure({ receipts: 'manual' })
    product.textmagic.faults.add({ ...SEND, kind: 'accept_then_hang' })
    await product.stripe.payLink(url)
    await dana.gets(DETAILS)
    await product.reaches(unlockId, 'REVEAL_DETAILS_SENT')
    const details = product.textmagic.messages().find(({ phone, text }) => phone === dana.phone && DETAILS.test(text))
    await product.textmagic.deliver(details?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })
})

describe('when the gateway cannot be asked what became of an unclear send', () => {
  it.each([500, 406])('but answers %i, nothing is sent again until it can', async (status) => {
    const dana = await newProvider(product)
    product.textmagic.configure({ receipts: 'manual' })
    product.textmagic.faults.add({ ...SEND, kind: 'accept_then_drop' })
    product.textmagic.faults.add({ method: 'GET', path: '/api/v2/sessions', kind: 'status', status, times: 2 })
    const { unlockId } = await dana.isOffered()
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
    expect(dana.inbox(TEASER)).toHaveLength(1)
    expect(await escalationsOf(product, unlockId)).toEqual([])
  })

  it('of a link that was closed since, the link that took its place is sent, and it alone', async () => {
    const dana = await newProvider(product)
    const { unlockId, leadId } = await dana.hasTeaser()
    product.textmagic.faults.add({ ...SEND, kind: 'drop' })
    product.textmagic.faults.add({ method: 'GET', path: '/api/v2/sessions', kind: 'status', status: 500, times: null })
    await dana.says('Y')
    await until('the unclear send', async () => {
      const { messages } = await product.unlock(unlockId)
      return messages.some((one: { purpose: string; status: string }) => {
        return one.purpose === 'payment_link' && one.status === 'unknown'
      })
    })
    await dana.says(`N ${leadId}`)
    await dana.says(`Y ${leadId}`)
    await dana.gets(LINK)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    product.textmagic.faults.clear()
    await hurryUntil(product, 'create-payment-link', 'the text with the link before it to be called off', async () => {
      const { messages } = await product.unlock(unlockId)
      return messages.some(({ status }: { status: string }) => status === 'cancelled')
    })
    expect(dana.inbox(LINK)).toHaveLength(1)
  })
})

describe('when the gateway does not allow our sender', () => {
  it('the text goes out once without it, each of the two calls in a slot of its own', async () => {
    const teasers = product.publisher.queues.get('send-teaser')
    onTestFinished(() => teasers?.resume())
    await teasers?.pause()
    product.textmagic.configure({ rejectFrom: true })
    const dana = await newProvider(product)
    const { unlockId } = await dana.isOffered()
    const steps: string[] = []
    await withServices(product, async (services) => {
      const { textmagic } = services
      const watched: typeof textmagic = {
        ...textmagic,
        takeSlot(sendClass) {
          steps.push(sendClass)
          return textmagic.takeSlot(sendClass)
        },
        send(sms) {
          steps.push('call')
          return textmagic.send(sms)
        },
      }
      // A slot that passes while a slow Postgres claims the text would be taken anew.
      const settings = { ...services.settings, slotLastsMs: Number.POSITIVE_INFINITY }
      const attempted = { ...services, settings, textmagic: watched }
      await makeAttempt(attempted, sendTeaser, { id: '1', data: { unlock_id: unlockId }, number: 1, of: 14 })
    })
    expect(steps).toEqual(['teaser', 'call', 'teaser', 'call'])
    await dana.gets(TEASER)
    // Its receipt may be here by now.
    expect((await product.unlock(unlockId)).messages).toMatchObject([
      { status: expect.stringMatching(/^(accepted|delivered)$/) },
    ])
    expect(dana.inbox()).toHaveLength(1)
  })
})

describe('when the gateway stays away', () => {
  it('until every attempt is used up, a person is called; Retry sends the details, once', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await calm(product)
    product.textmagic.faults.add({ ...SEND, kind: 'status', status: 401, times: null })
    await product.stripe.payLink(url)
    await hurryUntil(product, 'reveal', 'the attempts to be used up', async () => {
      return (await openKinds(product, unlockId)).includes('reveal_failed')
    })
    const job = await failedJob(product, 'reveal', { unlock_id: unlockId })
    expect(job.failedReason).toBe('unauthorized')
    expect(await openKinds(product, unlockId)).toEqual(['reveal_failed'])

    product.textmagic.faults.clear()
    await job.retry('failed')
    await product.reaches(unlockId, 'DONE')
    expect(await openKinds(product, unlockId)).toEqual([])
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })
})

describe('when the gateway refuses for good', () => {
  it('the details, a person is called; Retry in Bull Board completes it and resolves the escalation', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await calm(product)
    product.textmagic.faults.add({ ...SEND, kind: 'status', ...REFUSED, times: null })
    await product.stripe.payLink(url)
    await escalated(product, unlockId, 'reveal_failed')
    const job = await failedJob(product, 'reveal', { unlock_id: unlockId })
    expect(job.failedReason).toBe('invalid_request')
    expect(await product.statusOf(unlockId)).toBe('PAID')
    expect(await openKinds(product, unlockId)).toEqual(['reveal_failed'])

    await job.retry('failed')
    await until('the retry to fail as well', async () => (await job.getState()) === 'failed')

    product.textmagic.faults.clear()
    await job.retry('failed')
    await product.reaches(unlockId, 'DONE')
    await escalated(product, unlockId, 'reveal_failed', false)
    expect(await openKinds(product, unlockId)).toEqual([])
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('the teaser, a person is called, and Retry sends it', async () => {
    product.textmagic.faults.add({ ...SEND, kind: 'status', ...REFUSED, times: 2 })
    const dana = await newProvider(product)
    const { unlockId } = await dana.isOffered()
    await escalated(product, unlockId, 'teaser_failed')
    await (await failedJob(product, 'send-teaser', { unlock_id: unlockId })).retry('failed')
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
    expect(dana.inbox()).toHaveLength(1)
    await escalated(product, unlockId, 'teaser_failed', false)
  })

  it('the payment link, a person is called, and Retry sends it', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    await calm(product)
    product.textmagic.faults.add({ ...SEND, kind: 'status', ...REFUSED, times: 2 })
    await dana.says('Y')
    await escalated(product, unlockId, 'payment_link_failed')
    await (await failedJob(product, 'create-payment-link', { unlock_id: unlockId })).retry('failed')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    expect(dana.inbox(LINK)).toHaveLength(1)
    await escalated(product, unlockId, 'payment_link_failed', false)
  })
})
