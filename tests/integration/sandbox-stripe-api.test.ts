import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { linkParams, sdkFor, secretKey, startStripe } from './sandbox-stripe-harness.ts'

const bearer = { authorization: `Bearer ${secretKey}` }

function priced(unitAmount: number, currency: string): Partial<Stripe.PaymentLinkCreateParams> {
  return {
    line_items: [{ price_data: { currency, unit_amount: unitAmount, product_data: { name: 'x' } }, quantity: 1 }],
  }
}

test('only the secret key is let in, as a bearer token or as the user of basic authentication', async () => {
  const { emulator } = await startStripe()
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${emulator.url}/v1/payment_links`, { headers })).status
  expect(await status(bearer)).toBe(200)
  expect(await status({ authorization: `Basic ${Buffer.from(`${secretKey}:`).toString('base64')}` })).toBe(200)
  expect(await status({})).toBe(401)

  const stranger = sdkFor(emulator.url, { key: 'sk_test_somebody_else' })
  const error = await stranger.paymentLinks.list().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError)
  expect(String(error)).not.toContain('somebody_else')
})

test('every answer carries a request id and errors have the shape of Stripe', async () => {
  const { emulator, stripe } = await startStripe()
  const response = await fetch(`${emulator.url}/v1/payment_links/plink_no`, { headers: bearer })
  expect(response.status).toBe(404)
  expect(response.headers.get('request-id')).toMatch(/^req_/)
  expect(await response.json()).toEqual({
    error: {
      type: 'invalid_request_error',
      code: 'resource_missing',
      message: "No such payment_link: 'plink_no'",
      param: 'id',
    },
  })
  const unknown = await fetch(`${emulator.url}/v1/nothing`, { headers: bearer })
  expect(unknown.status).toBe(404)
  expect(await unknown.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  expect((await stripe.paymentLinks.create(linkParams())).lastResponse.requestId).toMatch(/^req_/)
})

test.each([
  ['no line items', { line_items: undefined }, { code: 'parameter_missing', param: 'line_items' }],
  [
    'an empty name',
    { line_items: [{ price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: '' } }, quantity: 1 }] },
    { code: 'parameter_invalid_empty' },
  ],
  ['a currency there is not', priced(2000, 'xyz'), { param: 'line_items[0][price_data][currency]' }],
  ['less than half a dollar', priced(49, 'usd'), { code: 'amount_too_small' }],
  ['less than the minimum in another currency', priced(299, 'nok'), { code: 'amount_too_small' }],
  ['nine digits', priced(100_000_000, 'usd'), { code: 'amount_too_large' }],
  ['a fraction of a króna', priced(1050, 'isk'), { code: 'invalid_charge_amount_no_decimal_compatible' }],
  ['a third decimal that is not 0', priced(5125, 'kwd'), { code: 'parameter_invalid_integer' }],
  ['a fraction of a cent', priced(20.5, 'usd'), { code: 'parameter_invalid_integer' }],
  [
    'a limit of no sessions',
    { restrictions: { completed_sessions: { limit: 0 } } },
    { code: 'parameter_invalid_integer' },
  ],
  ['metadata longer than 500 characters', { metadata: { note: 'x'.repeat(501) } }, { param: 'metadata[note]' }],
  ['a parameter the emulator lacks', { allow_promotion_codes: true }, { code: 'not_emulated' }],
])('a link with %s is refused', async (_what, changes: Partial<Stripe.PaymentLinkCreateParams>, refusal) => {
  const { emulator, stripe } = await startStripe()
  await expect(stripe.paymentLinks.create(linkParams(changes))).rejects.toMatchObject({ statusCode: 400, ...refusal })
  expect(emulator.links()).toEqual([])
})

test('an unknown parameter is refused by its full name, brackets literal or percent-encoded', async () => {
  const { emulator } = await startStripe()
  const post = async (body: string) => {
    const headers = { ...bearer, 'content-type': 'application/x-www-form-urlencoded' }
    return (await fetch(`${emulator.url}/v1/payment_links`, { method: 'POST', headers, body })).json()
  }
  const item =
    'line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=2000&line_items[0][quantity]=1'
  const name = 'line_items[0][price_data][product_data][name]=A%20%26+B'
  const refusal = { error: { code: 'parameter_unknown', param: 'line_items[0][colour]' } }
  expect(await post(`${item}&${name}&line_items[0][colour]=red`)).toMatchObject(refusal)
  expect(await post(`${item}&${name}&line_items%5B0%5D%5Bcolour%5D=red`)).toMatchObject(refusal)
  expect(await post(`${item}&${name}&metadata[a[b]]=1`)).toMatchObject({ error: { type: 'invalid_request_error' } })
  expect(await post(`${item}&${name}&metadata%5B12%5D=x`.replaceAll('[', '%5B').replaceAll(']', '%5D'))).toMatchObject({
    object: 'payment_link',
    metadata: { 12: 'x' },
  })
})

test('an update changes what it names: metadata is merged, an empty value removes', async () => {
  const { stripe } = await startStripe()
  const { id } = await stripe.paymentLinks.create(linkParams({ metadata: { keep: '1', drop: '2' } }))
  const updated = await stripe.paymentLinks.update(id, {
    active: false,
    metadata: { drop: '', add: '3' },
    inactive_message: '',
  })
  expect(updated).toMatchObject({ active: false, metadata: { keep: '1', add: '3' }, inactive_message: null })
  expect(updated.metadata).not.toHaveProperty('drop')
  await expect(stripe.paymentLinks.update('plink_no', { active: false })).rejects.toMatchObject({ statusCode: 404 })
})

test('lists come newest first, filtered, in pages the SDK follows to the end', async () => {
  const { emulator, stripe } = await startStripe()
  const ids: string[] = []
  for (let count = 0; count < 5; count += 1) ids.unshift((await stripe.paymentLinks.create(linkParams())).id)
  await stripe.paymentLinks.update(String(ids[1]), { active: false })

  const first = await stripe.paymentLinks.list({ limit: 2 })
  expect(first).toMatchObject({ object: 'list', has_more: true, url: '/v1/payment_links' })
  expect(first.data.map((link) => link.id)).toEqual(ids.slice(0, 2))
  const all = await stripe.paymentLinks.list({ limit: 2 }).autoPagingToArray({ limit: 100 })
  expect(all.map((link) => link.id)).toEqual(ids)
  const before = await stripe.paymentLinks.list({ limit: 2, ending_before: String(ids[3]) })
  expect(before.data.map((link) => link.id)).toEqual(ids.slice(1, 3))
  expect((await stripe.paymentLinks.list({ active: false })).data.map((link) => link.id)).toEqual([ids[1]])
  await expect(stripe.paymentLinks.list({ limit: 101 })).rejects.toMatchObject({ param: 'limit' })
  await expect(stripe.paymentLinks.list({ starting_after: 'plink_no' })).rejects.toMatchObject({
    code: 'resource_missing',
  })

  const open = await emulator.openSession(String(ids[0]))
  const { session, paymentIntent } = await emulator.payLink(String(ids[2]))
  const sessionsOf = async (filter: Stripe.Checkout.SessionListParams) =>
    (await stripe.checkout.sessions.list(filter)).data.map(({ id }) => id)
  expect(await sessionsOf({})).toEqual([session.id, open.id])
  expect(await sessionsOf({ payment_link: String(ids[0]) })).toEqual([open.id])
  expect(await sessionsOf({ payment_link: String(ids[2]), status: 'open' })).toEqual([])
  expect(await sessionsOf({ payment_intent: paymentIntent.id })).toEqual([session.id])
  expect(await sessionsOf({ created: { gte: open.created + 3600 } })).toEqual([])
})

test('payment intents are found by metadata and status, after the lag of the index', async () => {
  const { emulator, stripe } = await startStripe()
  const metadata = { unlock_id: '12', lead_id: 'lead_x', note: "it's" }
  const paid = await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id, { metadata })
  await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id, { metadata, async: true })
  const search = async (query: string) => (await stripe.paymentIntents.search({ query })).data.map(({ id }) => id)
  const query = "metadata['unlock_id']:'12' AND metadata['lead_id']:'lead_x' AND status:'succeeded'"
  expect(await search(query)).toEqual([])

  emulator.advanceClock(60_000)
  expect(await search(query)).toEqual([paid.paymentIntent.id])
  expect(await search(`metadata['note']:'it\\'s'`)).toHaveLength(2)
  expect(await search("metadata['unlock_id']:'1'")).toEqual([])
  expect(await search("metadata['absent']:'12'")).toEqual([])
  for (const bad of ["status:'a' OR status:'b'", "colour:'red'", "status['a']:'b'", 'status', "status:'a' AND "]) {
    await expect(search(bad)).rejects.toMatchObject({ statusCode: 400, param: 'query' })
  }
  const pages = await stripe.paymentIntents
    .search({ query: "currency:'usd'", limit: 1 })
    .autoPagingToArray({ limit: 10 })
  expect(pages).toHaveLength(2)
})

test('ids are expanded to their objects when asked', async () => {
  const { emulator, stripe } = await startStripe()
  const link = await stripe.paymentLinks.create(linkParams())
  const { session } = await emulator.payLink(link.id)
  const expanded = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent.latest_charge'] })
  expect(expanded.payment_intent).toMatchObject({ object: 'payment_intent', latest_charge: { object: 'charge' } })
  const listed = await stripe.checkout.sessions.list({ payment_link: link.id, expand: ['data.payment_link'] })
  expect(listed.data[0]?.payment_link).toMatchObject({ id: link.id, object: 'payment_link' })
  await expect(stripe.checkout.sessions.retrieve(session.id, { expand: ['status'] })).rejects.toMatchObject({
    param: 'expand',
  })
})
