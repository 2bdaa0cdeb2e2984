import { expect, test } from 'vitest'
import { SUPPORTED_CURRENCIES } from '../../src/domain/currencies.ts'
import { MAXIMUM_CHARGE, minimumCharge, validatePrice } from '../../src/domain/money.ts'
import { failureOf, json, startFakeServer } from './gateways-fake-server.ts'
import { newLink, owner, useStripe } from './gateways-stripe-harness.ts'

const harness = useStripe()

const activeLink = async (generation: number) =>
  (await harness.stripe.findActiveLinks({ ...owner, generations: [generation] })).get(generation)

test('a link is for one payment by card, and says on itself and on its payment whose it is', async () => {
  const { emulator, stripe } = harness
  const { id, url } = await stripe.createPaymentLink(newLink)
  const metadata = { lead_id: 'lead_abc12345', provider_id: 'provider60', unlock_id: '12', generation: '1' }
  expect(emulator.links()).toMatchObject([
    {
      id,
      url,
      active: true,
      metadata,
      payment_intent_data: { metadata },
      payment_method_types: ['card'],
      restrictions: { completed_sessions: { limit: 1 } },
      inactive_message: 'This link is closed.',
    },
  ])
  const { session, paymentIntent } = await emulator.payLink(id)
  expect(session).toMatchObject({ amount_total: 2000, currency: 'usd', metadata })
  expect(paymentIntent?.metadata).toEqual(metadata)
})

test('the smallest and the largest price that a lead may have are taken, in every currency', async () => {
  const prices = [...SUPPORTED_CURRENCIES].flatMap((currency) => {
    const whole = MAXIMUM_CHARGE - 99
    const largest = validatePrice(MAXIMUM_CHARGE, currency) === null ? MAXIMUM_CHARGE : whole
    return [minimumCharge(currency), largest].map((priceCents) => ({ priceCents, currency }))
  })
  for (const [attempt, price] of prices.entries()) {
    expect(validatePrice(price.priceCents, price.currency)).toBeNull()
    await harness.stripe.createPaymentLink({ ...newLink, ...price, attempt })
  }
  expect(harness.emulator.links()).toHaveLength(prices.length)
})

test('asking twice creates one link; another attempt, generation or lead is another key', async () => {
  const { emulator, stripe } = harness
  const first = await stripe.createPaymentLink(newLink)
  expect(await stripe.createPaymentLink(newLink)).toEqual(first)
  expect(emulator.links()).toHaveLength(1)
  await stripe.createPaymentLink({ ...newLink, attempt: 1 })
  await stripe.createPaymentLink({ ...newLink, generation: 2 })
  await stripe.createPaymentLink({ ...newLink, leadId: 'lead_zzzzzzzz' })
  expect(emulator.requestLog().map((request) => request.idempotency_key)).toEqual([
    'lead_abc12345-unlock-12-link-1-0',
    'lead_abc12345-unlock-12-link-1-0',
    'lead_abc12345-unlock-12-link-1-1',
    'lead_abc12345-unlock-12-link-2-0',
    'lead_zzzzzzzz-unlock-12-link-1-0',
  ])
})

test('a link whose answer was lost is found, and not one of another lead, unlock or generation, or a closed one', async () => {
  const { emulator, stripe, clientOf } = harness
  emulator.faults.add({ kind: 'accept_then_hang' })
  await failureOf(clientOf({}).createPaymentLink(newLink))
  const [lost] = emulator.links()
  await stripe.createPaymentLink({ ...newLink, leadId: 'lead_zzzzzzzz' })
  await stripe.createPaymentLink({ ...newLink, unlockId: 13 })
  const second = await stripe.createPaymentLink({ ...newLink, generation: 2 })
  expect(await activeLink(1)).toEqual({ id: lost?.id, url: lost?.url })
  expect(await activeLink(3)).toBeUndefined()
  await stripe.closeLink(lost?.id ?? '')
  expect(await activeLink(1)).toBeUndefined()
  expect([...(await stripe.findActiveLinks({ ...owner, generations: [1, 2, 3] }))]).toEqual([[2, second]])
})

test('a link is found behind a page of newer ones', async () => {
  const { stripe } = harness
  const wanted = await stripe.createPaymentLink(newLink)
  for (let unlockId = 100; unlockId < 205; unlockId += 1) await stripe.createPaymentLink({ ...newLink, unlockId })
  expect(await activeLink(1)).toEqual(wanted)
})

test('not having looked far enough is unclear, not absent', async () => {
  const link = { id: 'plink_1', url: 'https://buy.stripe.com/1', metadata: {} }
  const server = await startFakeServer((_request, response) => json(response, 200, { data: [link], has_more: true }))
  const client = harness.clientOf({ apiUrl: server.url })
  const failure = await failureOf(client.findActiveLinks({ ...owner, generations: [1] }))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'not_looked_far_enough' })
  await server.close()
})

test('where links cannot be listed, none is found', async () => {
  const { emulator, stripe } = harness
  await stripe.createPaymentLink(newLink)
  const error = { type: 'invalid_request_error', message: 'Unrecognized request URL' }
  emulator.faults.add({ kind: 'status', method: 'GET', path: '/v1/payment_links', status: 404, body: { error } })
  expect(await activeLink(1)).toBeUndefined()
})

test('closing a link ends the sessions already open on it, and none of another link', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const other = await stripe.createPaymentLink({ ...newLink, unlockId: 13 })
  const sessions = [await emulator.openSession(id), await emulator.openSession(id)]
  const untouched = await emulator.openSession(other.id)
  await stripe.closeLink(id)
  const active = new Map(emulator.links().map((link) => [link.id, link.active]))
  expect([active.get(id), active.get(other.id)]).toEqual([false, true])
  const statuses = new Map(emulator.sessions().map((session) => [session.id, session.status]))
  expect(sessions.map((session) => statuses.get(session.id))).toEqual(['expired', 'expired'])
  expect(statuses.get(untouched.id)).toBe('open')
})

test('closing a link again, one that is paid, or one Stripe does not know succeeds', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  await emulator.payLink(id)
  expect(await stripe.closeLink(id)).toBe(true)
  expect(await stripe.closeLink(id)).toBe(true)
  expect(await stripe.closeLink('plink_unknown')).toBe(false)
  expect(emulator.sessions()).toMatchObject([{ status: 'complete' }])
})

/** The next list of its sessions is one of before it was paid. */
async function payAfterList(linkId: string): Promise<string> {
  const { emulator } = harness
  const open = await emulator.openSession(linkId)
  const listed = { object: 'list', data: [{ ...open, status: 'open' }], has_more: false, url: '/v1/checkout/sessions' }
  await emulator.paySession(open.id)
  emulator.faults.add({
    kind: 'accept_then_status',
    method: 'GET',
    path: '/v1/checkout/sessions',
    status: 200,
    body: listed,
  })
  return open.id
}

test('a session paid while its link is being closed is left alone', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  await payAfterList(id)
  await stripe.closeLink(id)
  expect(emulator.requestLog().some(({ path }) => path.endsWith('/expire'))).toBe(true)
  expect(emulator.sessions()).toMatchObject([{ status: 'complete', payment_status: 'paid' }])
})

test('a session paid while its link is being closed is left alone also where sessions can only be listed', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const sessionId = await payAfterList(id)
  const error = { type: 'invalid_request_error', message: 'Unrecognized request URL' }
  emulator.faults.add({
    kind: 'status',
    method: 'GET',
    path: `/v1/checkout/sessions/${sessionId}`,
    status: 404,
    body: { error },
    times: null,
  })
  await stripe.closeLink(id)
  expect(emulator.sessions()).toMatchObject([{ status: 'complete', payment_status: 'paid' }])
})

test('a session that was ended though the answer was lost is ended', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { id: sessionId } = await emulator.openSession(id)
  emulator.faults.add({ kind: 'accept_then_status', status: 500, path: `/v1/checkout/sessions/${sessionId}/expire` })
  await stripe.closeLink(id)
  expect(emulator.sessions()).toMatchObject([{ status: 'expired' }])
})

test('a session that stays open is no closed link', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { id: sessionId } = await emulator.openSession(id)
  const error = { type: 'invalid_request_error', message: 'no' }
  emulator.faults.add({
    kind: 'status',
    path: `/v1/checkout/sessions/${sessionId}/expire`,
    status: 400,
    body: { error },
  })
  expect(await failureOf(stripe.closeLink(id))).toMatchObject({ name: 'RefusedError' })
  emulator.faults.add({ kind: 'status', path: `/v1/checkout/sessions/${sessionId}/expire`, status: 500 })
  expect(await failureOf(stripe.closeLink(id))).toMatchObject({ name: 'UnclearError' })
  await stripe.closeLink(id)
  expect(emulator.sessions()).toMatchObject([{ status: 'expired' }])
})
