import { afterAll, beforeAll, expect, it } from 'vitest'
import { ADMIN_KEY, AMY, BEN, type Harness, LEAD, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

/** Posts a lead to one provider. */
async function offerTo(providerId: string): Promise<number> {
  const { status, body } = await api.call('POST', '/api/leads', { ...LEAD, provider_ids: [providerId] })
  expect(status).toBe(201)
  return body.unlocks[0].id
}

/** Has the teasers of a provider wait for the morning, and gives what was published for them to oblivion. */
async function untilMorning(providerId: string): Promise<void> {
  await api.rows("update outbound_messages set not_before = app_now() + interval '8 hours' where provider_id = ?", [
    providerId,
  ])
  await api.publisher.queues.get('send-teaser')?.obliterate({ force: true })
}

const dataOf = async (name: Parameters<Harness['jobs']>[0]) => (await api.jobs(name)).map(({ data }) => data)

// The sweep would find it as well, half a minute later.
it('what an operation makes due is begun at once, under its request', async () => {
  const unlock = await offerTo(AMY.id)
  const [link] = await api.rows<{ id: number }>(
    `insert into payment_links (unlock_id, generation, stripe_id, url)
     values (?, 1, 'plink_1', 'https://pay.example/1') returning id`,
    [unlock],
  )
  await api.rows("update lead_unlocks set status = 'AWAITING_PAYMENT' where id = ?", [unlock])
  const { status } = await api.call('POST', `/api/unlocks/${unlock}/expire`, undefined, { 'x-request-id': 'closing' })
  expect(status).toBe(200)
  expect(await dataOf('close-payment-link')).toEqual([{ payment_link_id: link?.id, request_id: 'closing' }])
})

it('a teaser that waits for the morning is looked at when its provider is given another time zone', async () => {
  const unlock = await offerTo(BEN.id)
  await untilMorning(BEN.id)
  const { status } = await api.call(
    'PUT',
    `/api/providers/${BEN.id}`,
    { name: BEN.name, phone: BEN.phone, time_zone: 'Asia/Tokyo' },
    { 'x-request-id': 'moving' },
  )
  expect(status).toBe(200)
  expect(await dataOf('send-teaser')).toEqual([{ unlock_id: unlock, request_id: 'moving' }])

  await untilMorning(BEN.id)
  const imported = await api.inject({
    method: 'POST',
    url: '/api/providers/import',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'text/csv', 'x-request-id': 'importing' },
    payload: `id,name,phone,time_zone\n${BEN.id},${BEN.name},${BEN.phone},Europe/Berlin\n`,
  })
  expect(imported.body).toEqual({ created: 0, updated: 1, unchanged: 0 })
  expect(await dataOf('send-teaser')).toEqual([{ unlock_id: unlock, request_id: 'importing' }])
})
