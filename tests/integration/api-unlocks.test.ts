import { afterAll, beforeAll, expect, it } from 'vitest'
import { AMY, type Harness, LEAD, OPERATOR_KEY, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

it('an unlock tells its timeline, messages, links and payments, oldest first, and no locked field', async () => {
  const { body: created } = await api.call('POST', '/api/leads', { ...LEAD, provider_ids: [AMY.id] })
  const { id } = created.unlocks[0]
  await api.rows("update lead_unlocks set status = 'REVEAL_DETAILS_SENT', unlocked_at = app_now() where id = ?", [id])
  await api.rows(
    `insert into unlock_events (unlock_id, from_status, to_status, cause)
     values (?, 'NEW_LEAD', 'TEASER_SENT', 'sms:teaser'), (?, 'TEASER_SENT', 'AWAIT_CONFIRM', 'sms:teaser')`,
    [id, id],
  )
  await api.rows(
    `insert into outbound_messages (purpose, dedupe_key, unlock_id, phone, body, status, gateway_id, attempts)
     values ('reveal', 'reveal:1', ?, ?, null, 'accepted', '49576009', 1)`,
    [id, AMY.phone],
  )
  await api.rows(
    "insert into payment_links (unlock_id, generation, stripe_id, url) values (?, 1, 'plink_1', 'https://pay.example/1')",
    [id],
  )
  await api.rows(
    "insert into payments (unlock_id, checkout_session_id, amount_cents, currency, status) values (?, 'cs_1', 2000, 'usd', 'kept')",
    [id],
  )
  const { status, body, text } = await api.call('GET', `/api/unlocks/${id}`, undefined, {
    authorization: `Bearer ${OPERATOR_KEY}`,
  })
  expect(status).toBe(200)
  expect(body.unlock).toMatchObject({
    id,
    lead_id: created.lead.id,
    provider_id: AMY.id,
    status: 'REVEAL_DETAILS_SENT',
    closed_reason: null,
  })
  expect(body.timeline.map((event: { to_status: string }) => event.to_status)).toEqual(['TEASER_SENT', 'AWAIT_CONFIRM'])
  expect(body.messages).toMatchObject([
    { purpose: 'teaser', status: 'pending', body: expect.stringContaining('Reply Y'), attempts: 0 },
    { purpose: 'reveal', status: 'accepted', body: null, gateway_id: '49576009', attempts: 1 },
  ])
  expect(body.links).toMatchObject([{ stripe_id: 'plink_1', status: 'open' }])
  expect(body.payments).toMatchObject([{ status: 'kept', amount_cents: 2000 }])
  for (const field of ['client_name', 'client_phone', 'client_email', 'exact_address'] as const) {
    expect(text).not.toContain(LEAD[field])
  }
})

it('what a reveal says is stored nowhere: the database refuses it', async () => {
  const insert = (purpose: string) =>
    api.rows(
      `insert into outbound_messages (purpose, dedupe_key, phone, body, status, attempts)
       values (?, 'refused', ?, 'Phone: +13055550199', 'accepted', 1)`,
      [purpose, AMY.phone],
    )
  await expect(insert('reveal')).rejects.toThrow('outbound_messages_reveal_body')
  await insert('help')
})
