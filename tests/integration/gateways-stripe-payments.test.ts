import { expect, test } from 'vitest'
import { isRefunded } from '../../src/gateways/stripe.ts'
import { failureOf, json, startFakeServer } from './gateways-fake-server.ts'
import { newLink, owner, SEARCH_LAG_MS, useStripe } from './gateways-stripe-harness.ts'

const harness = useStripe()

test('a paid link is found with what was paid, where and when', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { session, paymentIntent } = await emulator.payLink(id)
  const found = await stripe.findPayments({ ...owner, linkIds: [id] })
  expect(found).toEqual([
    {
      sessionId: session.id,
      paymentIntentId: paymentIntent?.id,
      paymentLinkId: id,
      amountCents: 2000,
      currency: 'usd',
      refundedCents: 0,
      disputes: [],
      paidAt: expect.any(Date),
    },
  ])
  expect(Math.abs((found[0]?.paidAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
})

test('nothing is found while nothing is paid: an open, expired or not yet settled session is no payment', async () => {
  const { emulator, stripe } = harness
  const ids: string[] = []
  for (const generation of [1, 2, 3]) ids.push((await stripe.createPaymentLink({ ...newLink, generation })).id)
  const [open = '', expired = '', pending = ''] = ids
  await emulator.openSession(open)
  await emulator.expireSession((await emulator.openSession(expired)).id)
  const { session } = await emulator.payLink(pending, { async: true })
  expect(await stripe.findPayments({ ...owner, linkIds: ids })).toEqual([])
  await emulator.settleAsync(session.id, 'succeeded')
  expect(await stripe.findPayments({ ...owner, linkIds: ids })).toMatchObject([{ sessionId: session.id }])
})

test('a payment on a link our records lost is found by its metadata, and told once when the link is known', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { session } = await emulator.payLink(id)
  await emulator.payLink((await stripe.createPaymentLink({ ...newLink, unlockId: 13 })).id)
  expect(await stripe.findPayments({ ...owner, linkIds: [] })).toEqual([])
  emulator.advanceClock(SEARCH_LAG_MS)
  for (const linkIds of [[], [id]]) {
    expect(await stripe.findPayments({ ...owner, linkIds })).toMatchObject([
      { sessionId: session.id, paymentLinkId: id },
    ])
  }
})

test('where payment intents cannot be read, a paid link is found with what its session tells', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { session, paymentIntent } = await emulator.payLink(id)
  const error = { type: 'invalid_request_error', message: 'Unrecognized request URL' }
  emulator.faults.add({
    kind: 'status',
    path: `/v1/payment_intents/${paymentIntent?.id}`,
    status: 404,
    body: { error },
  })
  expect(await stripe.findPayments({ ...owner, linkIds: [id] })).toMatchObject([
    {
      sessionId: session.id,
      paymentIntentId: paymentIntent?.id,
      paymentLinkId: id,
      amountCents: 2000,
      currency: 'usd',
    },
  ])
})

test("another unlock's payment is not found", async () => {
  const { emulator, stripe } = harness
  const { id: unpaid } = await stripe.createPaymentLink(newLink)
  for (const other of [{ unlockId: 13 }, { leadId: 'lead_zzzzzzzz' }]) {
    await emulator.payLink((await stripe.createPaymentLink({ ...newLink, ...other })).id)
  }
  emulator.advanceClock(SEARCH_LAG_MS)
  for (const linkIds of [[], [unpaid]]) expect(await stripe.findPayments({ ...owner, linkIds })).toEqual([])
})

test('a search that answers more than it was asked for does not pass another payment off as this one', async () => {
  const intent = (id: string, metadata: object) => ({
    ...{ id, status: 'succeeded', metadata, amount_received: 2000, currency: 'usd', created: 1_234_567_890 },
    latest_charge: null,
  })
  const ours = intent('pi_ours', { unlock_id: '12', lead_id: 'lead_abc12345' })
  const others = [
    intent('pi_other_unlock', { unlock_id: '13', lead_id: 'lead_abc12345' }),
    intent('pi_other_lead', { unlock_id: '12', lead_id: 'lead_zzzzzzzz' }),
    intent('pi_no_unlock', { lead_id: 'lead_abc12345' }),
  ]
  const server = await startFakeServer(({ url }, response) => {
    if (url.includes('/search')) json(response, 200, { data: [...others, ours], has_more: false })
    else if (url.includes('/sessions')) json(response, 200, { data: [], has_more: false })
    else
      json(
        response,
        200,
        [...others, ours].find(({ id }) => url.includes(`/${id}?`)),
      )
  })
  const stripe = harness.clientOf({ apiUrl: server.url })
  const found = await stripe.findPayments({ ...owner, linkIds: [] })
  expect(found.map(({ paymentIntentId }) => paymentIntentId)).toEqual(['pi_ours'])
  await server.close()
})

test('a list that answers more than it was asked for passes no session off as one of this link, nor ends it', async () => {
  const session = (id: string, payment_link: string, payment_intent: string | null) => ({
    ...{ id, payment_link, payment_intent, amount_total: 2000, currency: 'usd', created: 1_234_567_890, metadata: {} },
    status: payment_intent === null ? 'open' : 'complete',
    payment_status: payment_intent === null ? 'unpaid' : 'paid',
  })
  const sessions = [
    session('cs_paid_other', 'plink_other', 'pi_other'),
    session('cs_open_other', 'plink_other', null),
    session('cs_paid', 'plink_ours', 'pi_ours'),
    session('cs_open', 'plink_ours', null),
  ]
  const server = await startFakeServer(({ method, url }, response) => {
    if (method === 'GET' && url.includes('/sessions')) json(response, 200, { data: sessions, has_more: false })
    else if (url.includes('/search')) json(response, 200, { data: [], has_more: false })
    else if (url.includes('/payment_intents')) json(response, 404, { error: { type: 'invalid_request_error' } })
    else json(response, 200, {})
  })
  const stripe = harness.clientOf({ apiUrl: server.url })
  const found = await stripe.findPayments({ ...owner, linkIds: ['plink_ours'] })
  expect(found.map(({ sessionId }) => sessionId)).toEqual(['cs_paid'])
  await stripe.closeLink('plink_ours')
  const ended = server.received.filter(({ url }) => url.endsWith('/expire'))
  expect(ended.map(({ url }) => url)).toEqual(['/v1/checkout/sessions/cs_open/expire'])
  await server.close()
})

test.each([
  [2000, true],
  [2001, true],
  [1999, false],
  [0, false],
])('of 2000 cents, %i given back are the whole: %s', (refundedCents, whole) => {
  const payment = { sessionId: null, paymentIntentId: 'pi_1', paymentLinkId: null, currency: 'usd', disputes: [] }
  expect(isRefunded({ ...payment, amountCents: 2000, refundedCents, paidAt: new Date() })).toBe(whole)
})

test('a free unlock was not refunded', () => {
  const payment = { sessionId: 'cs_1', paymentIntentId: null, paymentLinkId: null, currency: 'usd', disputes: [] }
  expect(isRefunded({ ...payment, amountCents: 0, refundedCents: 0, paidAt: new Date() })).toBe(false)
})

test('two payments for one unlock are both found, oldest first', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const first = await emulator.payLink(id)
  emulator.advanceClock(5_000)
  const second = await emulator.payLink(id, { force: true })
  const found = await stripe.findPayments({ ...owner, linkIds: [id] })
  expect(found.map(({ sessionId }) => sessionId)).toEqual([first.session.id, second.session.id])
})

test('what was refunded or disputed of a payment is told', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { paymentIntent } = await emulator.payLink(id)
  await emulator.refund(paymentIntent?.id ?? '', { amount: 700 })
  expect(await stripe.findPayments({ ...owner, linkIds: [id] })).toMatchObject([{ refundedCents: 700, disputes: [] }])
  const first = await emulator.dispute(paymentIntent?.id ?? '')
  await emulator.closeDispute(first.id, 'won')
  const second = await emulator.dispute(paymentIntent?.id ?? '')
  expect(await stripe.findPayments({ ...owner, linkIds: [id] })).toMatchObject([
    {
      refundedCents: 700,
      disputes: [
        { disputeId: first.id, status: 'won', closed: true },
        { disputeId: second.id, status: 'needs_response', closed: false },
      ],
    },
  ])
})

test('a payment was made when it was charged, not when its page was opened', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { paymentIntent } = await emulator.payLink(id)
  const [opened, charged] = [1_790_000_000, 1_790_003_600]
  emulator.faults.add({
    kind: 'status',
    path: `/v1/payment_intents/${paymentIntent?.id}`,
    status: 200,
    body: {
      id: paymentIntent?.id,
      amount_received: 2000,
      currency: 'usd',
      created: opened,
      latest_charge: { created: charged, amount_refunded: 0, disputed: false },
    },
  })
  expect(await stripe.findPayments({ ...owner, linkIds: [id] })).toMatchObject([{ paidAt: new Date(charged * 1000) }])
})

test('a dispute of another payment is none of this one', async () => {
  const { emulator, stripe } = harness
  const mine = await emulator.payLink((await stripe.createPaymentLink(newLink)).id)
  const other = await stripe.createPaymentLink({ ...newLink, generation: newLink.generation + 1 })
  const theirs = await emulator.payLink(other.id)
  await emulator.dispute(mine.paymentIntent?.id ?? '')
  const dispute = await emulator.dispute(theirs.paymentIntent?.id ?? '')
  emulator.advanceClock(SEARCH_LAG_MS)
  const found = (await stripe.findPayments({ ...owner, linkIds: [other.id] })).find(
    ({ paymentIntentId }) => paymentIntentId === theirs.paymentIntent?.id,
  )
  expect(found?.disputes).toEqual([{ disputeId: dispute.id, status: 'needs_response', closed: false }])
})

test('without search, the known links are asked alone', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { session } = await emulator.payLink(id)
  const error = { type: 'invalid_request_error', message: 'Search is not available.' }
  emulator.faults.add({ kind: 'status', path: '/v1/payment_intents/search', status: 400, body: { error } })
  expect(await stripe.findPayments({ ...owner, linkIds: [id] })).toMatchObject([{ sessionId: session.id }])
})

test('a search that fails otherwise is not taken for "no payment"', async () => {
  for (const status of [401, 429, 500]) {
    const body = { error: { type: 'api_error', message: 'no' } }
    harness.emulator.faults.add({ kind: 'status', path: '/v1/payment_intents/search', status, body })
    await failureOf(harness.stripe.findPayments({ ...owner, linkIds: [] }))
  }
})

test('a free unlock counts as paid, with nothing to refund', async () => {
  const session = {
    id: 'cs_1',
    status: 'complete',
    payment_status: 'no_payment_required',
    payment_intent: null,
    payment_link: 'plink_1',
    amount_total: 0,
    currency: 'usd',
    created: 1_234_567_890,
    metadata: {},
  }
  const server = await startFakeServer(({ url }, response) =>
    json(response, 200, { data: url.includes('search') ? [] : [session], has_more: false }),
  )
  const stripe = harness.clientOf({ apiUrl: server.url })
  expect(await stripe.findPayments({ ...owner, linkIds: ['plink_1'] })).toMatchObject([
    { sessionId: 'cs_1', paymentIntentId: null, amountCents: 0, paidAt: new Date(1_234_567_890_000) },
  ])
  await server.close()
})
