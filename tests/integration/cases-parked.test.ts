import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { markFailed } from '../../src/db/inbox/inbox.ts'
import { claim } from '../../src/db/ledger/claim.ts'
import { recordRefused } from '../../src/db/ledger/outcomes.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { RefusedError } from '../../src/gateways/errors.ts'
import type { JobName } from '../../src/queues/contract.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { FinalError } from '../../src/workers/errors.ts'
import { createPaymentLink } from '../../src/workers/jobs/create-payment-link.ts'
import { expire } from '../../src/workers/jobs/expire.ts'
import { reveal } from '../../src/workers/jobs/reveal.ts'
import { sendTeaser } from '../../src/workers/jobs/send-teaser.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, LINK, newProvider, TEASER, type TestProvider } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, hurryUntil, moveClock, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

// What used up its attempts waits for a person, and the sweep leaves it alone. Whoever asks for it again, in a text or by a
// call that was answered 200, is not to depend on the one job that this publishes: Redis may lose it.

const SEND = { method: 'POST', path: '/api/v2/messages' }

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const { becomes, settleRefundOf } = refundsOf(() => product)

/** The gateway refuses our key for as long as the attempts last, and takes it again. */
async function parked(name: JobName, unlockId: number, kind: string, ask: () => Promise<unknown>): Promise<void> {
  await settled(product)
  product.textmagic.faults.add({ ...SEND, kind: 'status', status: 401, times: null })
  await ask()
  const isParked = async () => {
    const rows = await product.rows(
      `select 1 from escalations e join outbound_messages m on m.unlock_id = e.unlock_id
       where e.unlock_id = ? and e.kind = ? and resolved_at is null and m.next_attempt_at > '9998-01-01'`,
      [unlockId, kind],
    )
    return rows.length > 0
  }
  await hurryUntil(product, name, 'the attempts to be used up', isParked)
  product.textmagic.faults.clear()
}

/** Whatever comes into this queue meanwhile is lost; the sweep looks for it as soon as it should have been done. */
async function losingJobs(name: JobName, act: () => Promise<unknown>): Promise<void> {
  const queue = product.publisher.queues.get(name)
  await queue?.pause()
  await act()
  await settledInbox()
  await queue?.obliterate({ force: true })
  await queue?.resume()
  await moveClock(product, 20)
}

async function settledInbox(): Promise<void> {
  await hurryUntil(product, 'handle-reply', 'the texts to be handled', async () => {
    const rows = await product.rows(`select 1 from webhook_inbox where status = 'received'`)
    return rows.length === 0
  })
}

it('a Y to details that could not be sent sends them, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId, url } = await dana.hasLink()
  await parked('reveal', unlockId, 'reveal_failed', () => product.stripe.payLink(url))
  await losingJobs('reveal', () => dana.says(`Y ${leadId}`))
  await product.reaches(unlockId, 'DONE')
  expect(dana.inbox(DETAILS)).toHaveLength(1)
  await escalated(product, unlockId, 'reveal_failed', false)
})

it('a Y to a link that could not be sent sends it, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId } = await dana.hasTeaser()
  await parked('create-payment-link', unlockId, 'payment_link_failed', () => dana.says(`Y ${leadId}`))
  await losingJobs('create-payment-link', () => dana.says(`Y ${leadId}`))
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
  expect(dana.inbox(LINK)).toHaveLength(1)
})

it('a Y that reopens an offer whose link could not be sent gets one, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId } = await dana.hasTeaser()
  await parked('create-payment-link', unlockId, 'payment_link_failed', () => dana.says(`Y ${leadId}`))
  await dana.says(`N ${leadId}`)
  await losingJobs('create-payment-link', () => dana.says(`Y ${leadId}`))
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
  await escalated(product, unlockId, 'payment_link_failed', false)
})

it('a STOP while the details wait for a person gives the money back', async () => {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  await parked('reveal', unlockId, 'reveal_failed', () => product.stripe.payLink(url))
  await dana.says('STOP')
  await product.reaches(unlockId, 'OPTED_OUT')
  await becomes(unlockId, 'refunded')
  await settled(product)
  expect(dana.inbox(DETAILS)).toHaveLength(0)
})

it('retry-reveal that was answered 200 sends the details once more, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId } = await dana.hasDetails()
  await parked('reveal', unlockId, 'reveal_failed', () => dana.says(`Y ${leadId}`))
  await losingJobs('reveal', async () => {
    expect((await product.api('POST', `/api/unlocks/${unlockId}/retry-reveal`)).status).toBe(200)
  })
  await dana.gets(DETAILS, 2)
})

it('resend-link that was answered 200 sends the link once more, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId } = await dana.hasLink()
  await parked('create-payment-link', unlockId, 'payment_link_failed', () => dana.says(`Y ${leadId}`))
  await losingJobs('create-payment-link', async () => {
    expect((await product.api('POST', `/api/unlocks/${unlockId}/resend-link`)).status).toBe(200)
  })
  await dana.gets(LINK, 2)
})

it('a Y that comes while the text with the link before it is refused gets its link, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId } = await dana.hasLink()
  await losingJobs('create-payment-link', async () => {
    await dana.says(`Y ${leadId}`)
    await settledInbox()
    await withServices(product, async (services) => {
      const send = async () => {
        await dana.says(`N ${leadId}`)
        await dana.says(`Y ${leadId}`)
        await settledInbox()
        throw new RefusedError('invalid_request')
      }
      const refusing = { ...services, textmagic: { ...services.textmagic, send } }
      await makeAttempt(refusing, createPaymentLink, { id: '1', data: { unlock_id: unlockId }, number: 1, of: 14 })
    })
  })
  await dana.gets(LINK, 2)
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
  expect(new Set(dana.inbox(LINK)).size).toBe(2)
  expect(await openKinds(product, unlockId)).toEqual([])
})

it('a retry after the offer is over sends nothing, and resolves what a person was called for', async () => {
  const dana = await newProvider(product)
  const { unlockId, leadId } = await dana.hasTeaser()
  await parked('create-payment-link', unlockId, 'payment_link_failed', () => dana.says(`Y ${leadId}`))
  product.stripe.faults.add({ kind: 'status', status: 401, times: null })
  const erin = await newProvider(product)
  const noLink = await erin.hasTeaser()
  await erin.says(`Y ${noLink.leadId}`)
  await hurryUntil(product, 'create-payment-link', 'the attempts to be used up', async () =>
    (await openKinds(product, noLink.unlockId)).includes('payment_link_failed'),
  )
  product.textmagic.faults.add({ ...SEND, kind: 'status', status: 401, times: null })
  const finn = await newProvider(product)
  const { unlockId: noTeaser } = await finn.isOffered()
  await hurryUntil(product, 'send-teaser', 'the attempts to be used up', async () =>
    (await openKinds(product, noTeaser)).includes('teaser_failed'),
  )
  const over = [unlockId, noLink.unlockId, noTeaser]
  for (const id of over) expect((await product.api('POST', `/api/unlocks/${id}/expire`)).status).toBe(200)
  product.textmagic.faults.clear()
  product.stripe.faults.clear()

  for (const id of over)
    await (await failedJob(product, id === noTeaser ? 'send-teaser' : 'create-payment-link', { unlock_id: id })).retry(
      'failed',
    )
  for (const id of over)
    await until(`nothing to be open about ${id}`, async () => (await openKinds(product, id)).length === 0)
  expect(dana.inbox(LINK)).toHaveLength(0)
})

it('a text that could not be handled is passed on once its job was retried, also when Redis loses the job for that', async () => {
  const dana = await newProvider(product)
  const replies = product.publisher.queues.get('handle-reply')
  await replies?.pause()
  await dana.texts('Is Friday free?')
  const [row] = await product.rows<{ id: string }>(`select id from webhook_inbox where status = 'received'`)
  await inTransaction(product.db.em, (tx) => markFailed(tx, Number(row?.id), 'inbox_failed', 'internal'))
  await losingJobs('forward-message', async () => replies?.resume())
  await until('the text to be passed on', () => product.forwarded.some(({ body }) => body.includes('Is Friday free?')))
})

it('a text that is being passed on is not given up for an older attempt to handle it that fails, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  await losingJobs('forward-message', async () => {
    await dana.texts('Is Monday free?')
    await until('the text to be handled', async () => {
      const [row] = await product.rows<{ id: string }>(`select id from webhook_inbox where status = 'forwarding'`)
      if (row === undefined) return false
      await inTransaction(product.db.em, (tx) => markFailed(tx, Number(row.id), 'inbox_failed', 'internal'))
      return true
    })
  })
  await until('the text to be passed on', () => product.forwarded.some(({ body }) => body.includes('Is Monday free?')))
  expect(
    await product.rows(`select from escalations where summary like '%(internal)%' and resolved_at is null`),
  ).toEqual([])
})

it('an offer that is declined while the last attempt to end it fails calls nobody', async () => {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasTeaser()
  const inVain = async () => {
    await dana.says(`N ${leadId}`)
    throw new FinalError('internal')
  }
  await withServices(product, async (services) => {
    const attempt = { id: '1', data: { unlock_id: unlockId }, number: 14, of: 14 }
    const outcome = await makeAttempt(services, { ...expire, run: inVain }, attempt)
    expect(outcome).toMatchObject({ type: 'given_up' })
  })
  expect(await openKinds(product, unlockId)).toEqual([])
})

it('an offer that is declined while the last attempt to send its link fails calls nobody, and the link is not sent', async () => {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasLink()
  const queue = product.publisher.queues.get('create-payment-link')
  await queue?.pause()
  await dana.says(`Y ${leadId}`)
  await settledInbox()
  const inVain = async () => {
    await dana.says(`N ${leadId}`)
    await settledInbox()
    throw new FinalError('internal')
  }
  await withServices(product, async (services) => {
    const attempt = { id: '1', data: { unlock_id: unlockId }, number: 14, of: 14 }
    const outcome = await makeAttempt(services, { ...createPaymentLink, run: inVain }, attempt)
    expect(outcome).toMatchObject({ type: 'given_up' })
  })
  expect(await openKinds(product, unlockId)).toEqual([])
  await queue?.resume()
  await settled(product)
  expect(dana.inbox(LINK)).toHaveLength(1)
})

it('an offer that is closed while the last attempt to send its teaser fails calls nobody, and the teaser is not sent', async () => {
  const dana = await newProvider(product)
  const queue = product.publisher.queues.get('send-teaser')
  await queue?.pause()
  const { unlockId } = await dana.isOffered()
  const inVain = async () => {
    expect((await product.api('POST', `/api/unlocks/${unlockId}/expire`)).status).toBe(200)
    throw new FinalError('internal')
  }
  await withServices(product, async (services) => {
    const attempt = { id: '1', data: { unlock_id: unlockId }, number: 14, of: 14 }
    const outcome = await makeAttempt(services, { ...sendTeaser, run: inVain }, attempt)
    expect(outcome).toMatchObject({ type: 'given_up' })
  })
  expect(await openKinds(product, unlockId)).toEqual([])
  await queue?.resume()
  await settled(product)
  expect(dana.inbox(TEASER)).toHaveLength(0)
})

it('details that the gateway refuses after their money went back call nobody, and are not sent', async () => {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  const queue = product.publisher.queues.get('reveal')
  await queue?.pause()
  await product.stripe.payLink(url)
  await product.reaches(unlockId, 'PAID')
  await withServices(product, async ({ db: { em }, settings: { ledgerTiming, quiet } }) => {
    const [details] = (await product.unlock(unlockId)).messages.filter(
      ({ purpose }: { purpose: string }) => purpose === 'reveal',
    )
    const claimed = await inTransaction(em, (tx) => claim(tx, details.id, ledgerTiming, quiet))
    if (claimed.type !== 'send') throw new Error(`not claimed: ${claimed.type}`)
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await becomes(unlockId, 'refunded')
    expect(await inTransaction(em, (tx) => recordRefused(tx, details.id, claimed.lease, 'invalid_phone'))).toEqual([])
    expect(await messageStatus(details.id)).toBe('failed')
  })
  expect(await openKinds(product, unlockId)).toEqual([])
  await queue?.resume()
  await settled(product)
  expect(dana.inbox(DETAILS)).toHaveLength(0)
})

it('details to be sent again that the gateway refuses after their money went back call nobody', async () => {
  const dana = await newProvider(product)
  const { unlockId, messageId } = await askedAgain(dana)
  await withServices(product, async ({ db: { em }, settings: { ledgerTiming, quiet } }) => {
    const claimed = await inTransaction(em, (tx) => claim(tx, messageId, ledgerTiming, quiet))
    if (claimed.type !== 'send') throw new Error(`not claimed: ${claimed.type}`)
    await givenBack(unlockId)
    expect(await inTransaction(em, (tx) => recordRefused(tx, messageId, claimed.lease, 'invalid_phone'))).toEqual([])
  })
  expect(await messageStatus(messageId)).toBe('failed')
  expect(await openKinds(product, unlockId)).toEqual([])
  await product.publisher.queues.get('reveal')?.resume()
  await settled(product)
  expect(dana.inbox(DETAILS)).toHaveLength(1)
})

it('details to be sent again whose money goes back while the last attempt fails call nobody, and are called off', async () => {
  const dana = await newProvider(product)
  const { unlockId, messageId } = await askedAgain(dana)
  const inVain = async () => {
    await givenBack(unlockId)
    throw new FinalError('internal')
  }
  await withServices(product, async (services) => {
    const attempt = { id: '1', data: { unlock_id: unlockId }, number: 14, of: 14 }
    const outcome = await makeAttempt(services, { ...reveal, run: inVain }, attempt)
    expect(outcome).toMatchObject({ type: 'given_up' })
  })
  expect(await openKinds(product, unlockId)).toEqual([])
  await product.publisher.queues.get('reveal')?.resume()
  await settled(product)
  expect(await messageStatus(messageId)).toBe('cancelled')
  expect(dana.inbox(DETAILS)).toHaveLength(1)
})

/** The details are there, and asked for once more, in a queue that is paused. */
async function askedAgain(dana: TestProvider): Promise<{ unlockId: number; messageId: number }> {
  const { unlockId, leadId } = await dana.hasDetails()
  await settled(product)
  await product.publisher.queues.get('reveal')?.pause()
  await dana.says(`Y ${leadId}`)
  const [again] = await product.rows<{ id: number }>(
    `select id from outbound_messages where unlock_id = ? and purpose = 'reveal' and status = 'pending'`,
    [unlockId],
  )
  if (again === undefined) throw new Error('the details are not to be sent again')
  return { unlockId, messageId: Number(again.id) }
}

async function givenBack(unlockId: number): Promise<void> {
  expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
  await becomes(unlockId, 'refunded')
}

async function messageStatus(id: number): Promise<string | undefined> {
  const [message] = await product.rows<{ status: string }>('select status from outbound_messages where id = ?', [id])
  return message?.status
}

it('refund that was answered 200 gives the money back, however often that was tried before, also when Redis loses the job', async () => {
  const dana = await newProvider(product)
  const { unlockId } = await dana.hasDetails()
  await settled(product)
  // As many wake-ups as a row gets.
  await product.rows(
    `update payments set status = 'refund_failed', attempts = 25, next_attempt_at = '9999-01-01' where unlock_id = ?`,
    [unlockId],
  )
  await losingJobs('refund-payment', async () => {
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
  })
  await until('the money to go back', async () => (await product.unlock(unlockId)).payments[0].status === 'refunded')
})

it.each(['refund_due', 'refund_pending'])(
  'a refund on its way (%s) that the sweep gave up is followed again when an operator asks for it',
  async (status) => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    product.stripe.holdWebhooks()
    product.stripe.setRefundOutcome('pending')
    const refunds = product.publisher.queues.get('refund-payment')
    if (status === 'refund_due') await refunds?.pause()
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await becomes(unlockId, status)
    if (status === 'refund_pending') await settled(product)
    await product.rows(`update payments set next_attempt_at = '9999-01-01', attempts = 25 where unlock_id = ?`, [
      unlockId,
    ])
    await refunds?.obliterate({ force: true })
    await refunds?.resume()
    product.stripe.setRefundOutcome('succeeded')
    if (status === 'refund_pending') await settleRefundOf(unlockId, 'succeeded')
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await becomes(unlockId, 'refunded')
  },
)
