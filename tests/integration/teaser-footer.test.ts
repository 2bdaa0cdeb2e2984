import { afterAll, beforeAll, expect, it } from 'vitest'
import { PARKED_UNTIL } from '../../src/db/due/parking.ts'
import { type Harness, LEAD, startHarness } from './api-harness.ts'

const FOOTER = 'Reply STOP to opt out.'

let api: Harness
let providers = 0

beforeAll(async () => {
  const teasers = { quiet: { hours: null, zonesOfUnknown: [] }, footer: FOOTER }
  api = await startHarness({ config: { teasers } })
})
afterAll(() => api.close())

async function newProvider(): Promise<string> {
  providers += 1
  const id = `footer_${providers}`
  await api.call('PUT', `/api/providers/${id}`, { name: 'Dana', phone: `+1305555${String(1000 + providers)}` })
  return id
}

const offerTo = (providerIds: string[], lead: object = {}) =>
  api.call('POST', '/api/leads', { ...LEAD, ...lead, provider_ids: providerIds })

/** The provider's teasers, oldest first: whether each ends with the footer. */
async function footersOf(providerId: string): Promise<boolean[]> {
  const rows = await api.rows<{ body: string }>(
    `select body from outbound_messages where provider_id = ? and purpose = 'teaser' order by id`,
    [providerId],
  )
  return rows.map(({ body }) => body.endsWith(`. ${FOOTER}`))
}

it('a provider’s first teaser says how to opt out, and no later one', async () => {
  const [dana, ben] = [await newProvider(), await newProvider()]
  await offerTo([dana])
  await offerTo([dana, ben])
  await offerTo([dana, ben])
  expect(await footersOf(dana)).toEqual([true, false, false])
  expect(await footersOf(ben)).toEqual([true, false])
})

it('of offers made at once exactly one is the first, whichever it is', async () => {
  const ids = [await newProvider(), await newProvider(), await newProvider()]
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) => offerTo(index % 2 === 0 ? ids : ids.toReversed())),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
  for (const id of ids) {
    const footers = await footersOf(id)
    expect(footers).toHaveLength(6)
    expect(footers.filter(Boolean)).toHaveLength(1)
  }
})

it('a teaser that was never sent is not the first', async () => {
  const dana = await newProvider()
  await offerTo([dana])
  await api.rows(`update outbound_messages set status = 'cancelled' where provider_id = ?`, [dana])
  await offerTo([dana])
  expect(await footersOf(dana)).toEqual([true, true])
})

it('a teaser that the carrier lost is not the first', async () => {
  const dana = await newProvider()
  await offerTo([dana])
  await api.rows(`update outbound_messages set status = 'undelivered' where provider_id = ?`, [dana])
  await offerTo([dana])
  expect(await footersOf(dana)).toEqual([true, true])
})

it('a teaser that waits for a person, who may not have it sent, is not the first', async () => {
  const dana = await newProvider()
  await offerTo([dana])
  await api.rows('update outbound_messages set next_attempt_at = ? where provider_id = ?', [PARKED_UNTIL, dana])
  await offerTo([dana])
  expect(await footersOf(dana)).toEqual([true, true])
})

it('a teaser that waits for the morning, before which its offer may end, is not the first', async () => {
  const dana = await newProvider()
  const { body } = await offerTo([dana])
  const wait = `update outbound_messages set not_before = app_now() + interval '1 hour' where provider_id = ?`
  await api.rows(wait, [dana])
  await offerTo([dana])
  await api.call('POST', `/api/unlocks/${body.unlocks[0].id}/expire`)
  expect(await footersOf(dana)).toEqual([true, true])
})

it('a teaser whose offer was closed before it was sent is not the first', async () => {
  const dana = await newProvider()
  const { body } = await offerTo([dana])
  await api.call('POST', `/api/unlocks/${body.unlocks[0].id}/expire`)
  await offerTo([dana])
  expect(await footersOf(dana)).toEqual([true, true])
})

it('a lead whose teaser has no room for the footer is refused, with nothing stored', async () => {
  const dana = await newProvider()
  const before = await api.rows('select id from leads')
  // Outside GSM-7, so that the whole teaser may have 402 characters.
  const roomForNoFooter = { service_type: 'Ж'.repeat(200), city: 'Miami', preferred_time_window: 'ж'.repeat(40) }
  const { status, body } = await offerTo([dana], roomForNoFooter)
  expect(status).toBe(422)
  expect(body.errors).toEqual([{ field: 'service_type', message: expect.stringContaining('would not fit') }])
  expect(await api.rows('select id from leads')).toEqual(before)

  await offerTo([dana])
  expect((await offerTo([dana], roomForNoFooter)).status).toBe(201)
})
