import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrateUp, pendingMigrations } from '../../src/db/postgres/migrate-up.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { callbackUrls } from '../../src/sandbox/environment.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, LINK, newProvider, STOP_CONFIRMATION, STRANGER, TEASER } from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm } from '../support/steering.ts'
import { createTestDatabase } from '../support/stores.ts'
import { until } from '../support/until.ts'

// What went wrong in systems like this one in production, each in the words it was told in. The processes that died are in
// tests/faults/lessons-*.test.ts.

const SEND = { method: 'POST', path: '/api/v2/messages' }
const CREATE_LINK = { method: 'POST', path: '/v1/payment_links' }
/** More webhooks than any limit of the ingress lets anybody call in a minute who is not a gateway. */
const MANY_WEBHOOKS = 200

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const postText = (fields: Record<string, string>) =>
  fetch(callbackUrls(product.url, product.secrets).inbound, { method: 'POST', body: new URLSearchParams(fields) })

let posted = 0
/** Posts a lead of its own to these providers. */
async function offerTo(
  ...providerIds: string[]
): Promise<{ leadId: string; unlockIds: number[]; receivers: string[] }> {
  posted += 1
  const client = { client_name: `Sarah Lesson${posted}`, client_phone: `+1 555 000 ${1000 + posted}` }
  const lead = { city: 'Miami', service_type: 'Massage', ...client, provider_ids: providerIds }
  const { status, body } = await product.api('POST', '/api/leads', lead)
  expect(status).toBe(201)
  const unlocks: { id: number; provider_id: string }[] = body.unlocks
  return {
    leadId: body.lead.id,
    unlockIds: unlocks.map(({ id }) => id),
    receivers: unlocks.map(({ provider_id }) => provider_id),
  }
}

test('lesson: paid but never revealed: the SMS gateway answered 500 between marking paid and sending', async () => {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  await calm(product)
  product.textmagic.faults.add({ ...SEND, kind: 'status', status: 500 })
  await product.stripe.payLink(url)
  await product.reaches(unlockId, 'DONE')
  expect(product.textmagic.faults.list()).toEqual([])
  expect(dana.inbox(DETAILS)).toHaveLength(1)
})

test('lesson: two webhook deliveries at once sent the reveal twice: check-then-act without a lock', async () => {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  product.stripe.holdWebhooks()
  const { session } = await product.stripe.payLink(url)
  const again = product.stripe.sendEvent('checkout.session.completed', session)
  await Promise.all([again, product.stripe.releaseWebhooks({ duplicate: true })])
  await product.reaches(unlockId, 'DONE')
  await settled(product)
  expect(dana.inbox(DETAILS)).toHaveLength(1)
})

test("lesson: a second Y changed the session's parameters under the same idempotency key: the provider still gets the link", async () => {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasTeaser()
  product.stripe.recordedFaults.add({ ...CREATE_LINK, kind: 'status', status: 500 })
  await dana.says('Y')
  // The link's product name is made of these.
  await product.rows(`update leads set city = 'Tampa', service_type = 'Another Massage' where id = ?`, [leadId])
  await dana.says('Y')
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
  await settled(product)
  const url = await dana.getsLink()
  expect(new Set(dana.inbox(LINK)).size).toBe(1)
  const links = product.stripe.links().filter(({ metadata }) => metadata.unlock_id === String(unlockId))
  expect(links.filter(({ active }) => active)).toMatchObject([{ url }])
})

test('lesson: STOP answered "you have been opted out", stored nothing, and teasers went on', async () => {
  const dana = await newProvider(product)
  await dana.hasTeaser()
  await dana.says('STOP')
  await dana.gets(STOP_CONFIRMATION)
  const stored = await product.rows('select 1 from providers where id = ? and opted_out_at is not null', [dana.id])
  expect(stored).toHaveLength(1)
  const lead = { city: 'Miami', service_type: 'Massage', client_name: 'Sarah Stone', client_phone: '+1 555 0000' }
  const offered = await product.api('POST', '/api/leads', { ...lead, provider_ids: [dana.id] })
  expect(offered.body).toMatchObject({ unlocks: [], skipped: [{ provider_id: dana.id, reason: 'opted_out' }] })
  await settled(product)
  expect(dana.inbox(TEASER)).toHaveLength(1)
})

test('lesson: the rate limiter answered 429 to Stripe and TextMagic', async () => {
  const statuses = new Set<number>()
  // The same again and again: counted like any other, and handled once.
  const fields = { id: '9000001', sender: STRANGER, receiver: '13055550199', text: 'hello' }
  for (let sent = 0; sent < MANY_WEBHOOKS; sent += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => postText(fields)))
    for (const { status } of answers) statuses.add(status)
  }
  const dana = await newProvider(product)
  const { url, unlockId } = await dana.hasLink()
  const { session } = await product.stripe.payLink(url)
  await product.reaches(unlockId, 'DONE')
  await Promise.all(Array.from({ length: 20 }, () => product.stripe.sendEvent('checkout.session.completed', session)))
  await settled(product)
  expect([...statuses]).toEqual([200])
  expect(product.stripe.events().filter(({ delivered }) => !delivered)).toEqual([])
})

test("lesson: one short link per lead, not per provider: a provider paid for somebody else's unlock", async () => {
  const [dana, erik] = [await newProvider(product), await newProvider(product)]
  const { leadId, unlockIds } = await offerTo(dana.id, erik.id)
  for (const unlockId of unlockIds) await product.reaches(unlockId, 'AWAIT_CONFIRM')
  await Promise.all([dana.says(`Y ${leadId}`), erik.says(`Y ${leadId}`)])
  const [danas, eriks] = [await dana.getsLink(), await erik.getsLink()]
  expect(danas).not.toBe(eriks)
  await product.stripe.payLink(danas)
  await dana.gets(DETAILS)
  await settled(product)
  expect(erik.inbox(DETAILS)).toEqual([])
})

test('lesson: the webhook waited for a hanging gateway, with no timeout', { timeout: 90_000 }, async () => {
  const dana = await newProvider(product)
  const { unlockId } = await dana.hasTeaser()
  await calm(product)
  product.textmagic.faults.add({ ...SEND, kind: 'hang', times: null })
  await dana.says('Y')
  await until('the link to be at the gateway', async () => {
    const sending = `select 1 from outbound_messages where unlock_id = ? and purpose = 'payment_link' and status = 'sending'`
    return (await product.rows(sending, [unlockId])).length > 0
  })
  const answer = await postText({ id: '9000002', sender: dana.phone, receiver: '13055550199', text: 'Y' })
  expect(answer.status).toBe(200)
  expect(dana.inbox(LINK)).toEqual([])
  product.textmagic.faults.clear()
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
  expect(new Set(dana.inbox(LINK)).size).toBe(1)
})

test('lesson: delivery receipts on the inbound URL looked like texts from our own number', async () => {
  const dana = await newProvider(product)
  const before = product.forwarded.length
  product.textmagic.configure({ deliveryUrl: callbackUrls(product.url, product.secrets).inbound })
  const { unlockId } = await dana.hasDetails()
  await settled(product)
  const { messages } = await product.unlock(unlockId)
  expect(messages.map(({ status }: { status: string }) => status)).toEqual(['delivered', 'delivered', 'delivered'])
  expect(product.forwarded.slice(before)).toEqual([])
})

test('lesson: provider numbers stored in several formats: their replies came from "unknown" senders', async () => {
  for (const [index, phone] of ['(305) 555-0181', '1 305 555 0182', '+1 (305) 555-0183', '305.555.0184'].entries()) {
    const id = `format${index}`
    const stored = await product.api('PUT', `/api/providers/${id}`, { name: 'Dana', phone })
    expect(stored.body.provider.phone, phone).toBe(`+1305555018${index + 1}`)
    const { unlockIds } = await offerTo(id)
    for (const unlockId of unlockIds) await product.reaches(unlockId, 'AWAIT_CONFIRM')
    await product.textmagic.reply({ from: `1305555018${index + 1}`, text: 'Y' })
    for (const unlockId of unlockIds) await product.reaches(unlockId, 'AWAITING_PAYMENT')
  }
})

test('lesson: provider ids with trailing spaces', async () => {
  const body = { name: 'Dana', phone: '+13055550191' }
  expect((await product.api('PUT', '/api/providers/spaced%20%20', body)).status).toBe(201)
  expect((await product.api('PUT', '/api/providers/spaced', body)).status).toBe(200)
  expect((await offerTo('spaced ')).receivers).toEqual(['spaced'])
})

test('lesson: migrations failing at start: several processes at once migrate once', async () => {
  const database = await createTestDatabase()
  const processes = await Promise.all([1, 2, 3].map(() => openDatabase({ url: database.url, poolSize: 2 })))
  try {
    const applied = await Promise.all(processes.map(migrateUp))
    expect(applied.map(({ length }) => length > 0).sort()).toEqual([false, false, true])
    for (const db of processes) expect(await pendingMigrations(db)).toEqual([])
  } finally {
    await Promise.all(processes.map((db) => db.close(true)))
    await database.drop()
  }
})

test('lesson: schema drift patched by hand in production: the migrations make what the entities read and write', async () => {
  const columns = await product.rows<{ name: string }>(
    `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'`,
  )
  const there = new Set(columns.map(({ name }) => name))
  const expected = [...product.db.getMetadata().getAll().values()].flatMap((meta) =>
    meta.props
      .filter(({ persist, formula }) => persist !== false && formula === undefined)
      .flatMap(({ fieldNames }) => fieldNames.map((field) => `${meta.tableName}.${field}`)),
  )
  expect(expected.length).toBeGreaterThan(50)
  expect(expected.filter((name) => !there.has(name))).toEqual([])
})
