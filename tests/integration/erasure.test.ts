import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inboxPlace } from '../../src/db/inbox/store.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { applyEvent } from '../../src/db/unlocks/apply-event.ts'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { closeChecked } from '../support/invariants.ts'
import { placesHolding, tableContents } from '../support/invariants-secrets.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, EXPIRED, LINK, newProvider, type TestProvider } from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, hurryUntil, moveClock, openKinds, somebodyWaits } from '../support/steering.ts'
import { until } from '../support/until.ts'

const ERASED = /are no longer stored and cannot be sent again/
const { client_name, client_phone, client_email, exact_address } = SAMPLE_LEAD
const CLIENT = { client_name, client_phone, client_email, exact_address }
const NOTES = 'Gate code 4711, ask for Sarah'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const leadOf = async (leadId: string) =>
  (await product.api('GET', `/api/leads/${leadId}?include_locked=true`)).body.lead
const erase = (leadId: string) => product.api('DELETE', `/api/leads/${leadId}/contact`)
const auditOf = (leadId: string) =>
  product.rows(`select key_name, role from audit_log where action = 'lead.erase_contact' and target = ? order by id`, [
    `lead:${leadId}`,
  ])

/** What all sealed values say that are left, the client's and what gateways sent. */
async function opened(): Promise<string[]> {
  const bodies = await product.rows<{ source: 'textmagic'; external_id: string; sealed_body: string }>(
    'select source, external_id, sealed_body from webhook_inbox where sealed_body is not null',
  )
  const texts = bodies.map((row) => product.sealer.open(row.sealed_body, inboxPlace(row.source, row.external_id)))
  const leads = await product.rows<{ id: string }>('select id from leads')
  for (const { id } of leads) texts.push(JSON.stringify(await leadOf(id)))
  return texts
}

/** Posts a client's lead, and the provider pays for it. */
async function soldTo(provider: TestProvider): Promise<{ leadId: string; unlockId: number }> {
  const lead = { ...SAMPLE_LEAD, notes_snippet: NOTES, provider_ids: [provider.id] }
  const created = await fetch(`${product.url}/api/leads`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${product.secrets.adminApiKey}`,
      'content-type': 'application/json',
      'idempotency-key': `sold-to-${provider.id}`,
    },
    body: JSON.stringify(lead),
  })
  expect(created.status).toBe(201)
  const [unlock] = await product.rows<{ id: number; lead_id: string }>(
    'select id, lead_id from lead_unlocks where provider_id = ? order by id desc limit 1',
    [provider.id],
  )
  const { id: unlockId, lead_id: leadId } = unlock ?? { id: 0, lead_id: '' }
  await product.reaches(unlockId, 'AWAIT_CONFIRM')
  await provider.says(`Y ${leadId}`)
  await product.stripe.payLink(await provider.getsLink())
  await product.reaches(unlockId, 'DONE')
  return { leadId, unlockId }
}

describe('the client’s details', () => {
  it('are in the reveal SMS and, after the whole story, nowhere else; after their erasure not even sealed', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await soldTo(dana)
    const details = await dana.gets(DETAILS)
    // A phone's tapback sends us back what we sent.
    await dana.says(`Liked “${details}”`)
    await settled(product)
    for (const value of [...Object.values(CLIENT), NOTES]) expect(details).toContain(value)
    for (const { text, phone } of product.textmagic.messages()) {
      if (!DETAILS.test(text) || phone !== dana.phone)
        for (const value of Object.values(CLIENT)) expect(text).not.toContain(value)
    }
    expect(await placesHolding(product, Object.values(CLIENT))).toEqual([])
    expect((await opened()).some((text) => text.includes(client_email))).toBe(true)

    // What a person writes down is their own affair until then.
    await product.rows(
      `insert into escalations (kind, subject, unlock_id, summary, resolved_at, note)
       values ('reveal_failed', 'unlock:' || ?, ?, 'failed', app_now(), ?)`,
      [unlockId, unlockId, `told Dana to call ${client_phone}`],
    )
    expect((await erase(leadId)).status).toBe(204)
    const secrets = [...Object.values(CLIENT), NOTES]
    expect(await placesHolding(product, secrets)).toEqual([])
    const left = [...(await opened()), ...(await tableContents(product))].filter((text) =>
      secrets.some((secret) => text.includes(secret)),
    )
    expect(left).toEqual([])
    expect(await leadOf(leadId)).toMatchObject({
      city: 'Miami',
      notes_snippet: null,
      client_name: null,
      client_phone: null,
      client_email: null,
      exact_address: null,
      contact_erased_at: expect.any(String),
    })
  })

  it('are erased once, by an admin only, and each time that is audited, and logged for whoever restores a backup', async () => {
    const dana = await newProvider(product)
    const { leadId } = await dana.hasDetails()
    const byOperator = await fetch(`${product.url}/api/leads/${leadId}/contact`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${product.secrets.operatorApiKey}` },
    })
    expect(byOperator.status).toBe(403)
    expect((await leadOf(leadId)).client_name).toMatch(/^Sarah/)
    const [first, again] = [await erase(leadId), await erase(leadId)]
    expect([first.status, again.status, first.body]).toEqual([204, 204, null])
    const { contact_erased_at } = await leadOf(leadId)
    await erase(leadId)
    expect((await leadOf(leadId)).contact_erased_at).toBe(contact_erased_at)
    expect(await auditOf(leadId)).toEqual(Array(3).fill({ key_name: 'admin', role: 'admin' }))
    expect((await erase('lead_zzzzzzzz')).status).toBe(404)
    const logged = product.log.map((line) => JSON.parse(line)).filter(({ operation }) => operation === 'erase-contact')
    expect(logged.filter(({ lead_id }) => lead_id === leadId)).toHaveLength(3)
    expect(logged.filter(({ lead_id }) => lead_id === 'lead_zzzzzzzz')).toEqual([])
  })

  it('are not there any more for whoever asks again, by text or by hand', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasDetails()
    await erase(leadId)
    await dana.says(`Y ${leadId}`)
    expect(await dana.gets(ERASED)).toContain(leadId)
    const retried = await product.api('POST', `/api/unlocks/${unlockId}/retry-reveal`)
    expect([retried.status, retried.body.detail]).toEqual([409, expect.stringContaining('were erased')])
    const sent = await product.api('POST', `/api/leads/${leadId}/send`, { provider_ids: ['provider60'] })
    expect([sent.status, sent.body.type]).toEqual([409, 'urn:lead-unlock:problem:contact-erased'])
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect(await product.statusOf(unlockId)).toBe('DONE')
  })

  it('that the carrier says it lost are not sent again once they are erased: a person hears of it', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasDetails()
    await erase(leadId)
    const [reveal] = await product.rows<{ id: number; gateway_id: string }>(
      `update outbound_messages set status = 'accepted', delivery_status = null
       where unlock_id = ? and purpose = 'reveal' returning id, gateway_id`,
      [unlockId],
    )
    await product.textmagic.deliver(Number(reveal?.gateway_id), 'f')
    await escalated(product, unlockId, 'reveal_undeliverable')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })
})

describe('nobody pays for details that are gone', () => {
  it('they stay while the lead is on offer or its payment link is open', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    expect((await erase(leadId)).body.detail).toContain('it is still on offer')
    await dana.says(`Y ${leadId}`)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    expect((await erase(leadId)).status).toBe(409)
    product.stripe.faults.add({ kind: 'status', status: 500, method: 'POST', path: '/v1/payment_links' })
    await product.rows(
      `update payment_links set status = 'closing', next_attempt_at = '9999-01-01' where unlock_id = ?`,
      [unlockId],
    )
    await product.api('POST', `/api/unlocks/${unlockId}/expire`)
    expect((await erase(leadId)).body.detail).toContain('a payment link of it is still being closed')
    product.stripe.faults.clear()
    await product.rows('update payment_links set next_attempt_at = app_now() where unlock_id = ?', [unlockId])
    await settled(product)
    expect((await erase(leadId)).status).toBe(204)
  })

  it('they stay while they are paid for and not delivered', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages' })
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'PAID')
    expect((await erase(leadId)).body.detail).toContain('paid for and not sent')
    product.textmagic.configure({ receipts: 'manual' })
    product.textmagic.faults.clear()
    await product.reaches(unlockId, 'REVEAL_DETAILS_SENT')
    expect((await erase(leadId)).body.detail).toContain('being sent')
    expect((await leadOf(leadId)).client_name).toMatch(/^Sarah/)
    const reveal = product.textmagic.messages().find(({ text, phone }) => phone === dana.phone && DETAILS.test(text))
    await product.textmagic.deliver(reveal?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
    expect((await erase(leadId)).status).toBe(204)
  })

  it('they stay while they are paid for and the carrier lost them, until a person has decided', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    product.textmagic.setReceiptOutcome(dana.phone, 'f')
    await product.stripe.payLink(url)
    await escalated(product, unlockId, 'reveal_undeliverable')
    await settled(product)
    await product.rows('update lead_unlocks set reveal_confirm_at = app_now() where id = ?', [unlockId])
    await until('the delivery to be given up', async () => {
      const rows = await product.rows('select from lead_unlocks where id = ? and reveal_confirm_at is null', [unlockId])
      return rows.length > 0
    })
    expect((await erase(leadId)).body.detail).toContain('did not arrive')
    expect((await leadOf(leadId)).client_name).toMatch(/^Sarah/)
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await settled(product)
    expect((await erase(leadId)).status).toBe(204)
  })

  it('they stay while money of the wrong amount is held for them, until a person has decided', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url, { amount: 1900 })
    await escalated(product, unlockId, 'wrong_amount')
    await product.api('POST', `/api/unlocks/${unlockId}/expire`)
    await settled(product)
    expect((await erase(leadId)).body.detail).toContain('did not arrive')
    expect((await leadOf(leadId)).client_name).toMatch(/^Sarah/)
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await settled(product)
    expect((await erase(leadId)).status).toBe(204)
  })

  it('they stay while sending them again waits for a person, until that person has decided', async () => {
    const dana = await newProvider(product)
    const { unlockId, leadId, url } = await dana.hasLink()
    product.textmagic.configure({ receipts: 'manual' })
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'REVEAL_DETAILS_SENT')
    const details = product.textmagic.messages().find(({ text, phone }) => phone === dana.phone && DETAILS.test(text))
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
    await product.textmagic.deliver(details?.id ?? 0, 'f')
    await hurryUntil(product, 'reveal', 'the details to wait for a person', async () => {
      return (await openKinds(product, unlockId)).includes('reveal_failed')
    })
    await until('the link to be closed', async () => (await product.unlock(unlockId)).links[0]?.status === 'closed')
    const refused = await erase(leadId)
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      expect.stringContaining('resolve the escalation first'),
    ])
    const open = await product.rows<{ id: number }>(
      'select id from escalations where unlock_id = ? and resolved_at is null',
      [unlockId],
    )
    for (const { id } of open) {
      expect((await product.api('POST', `/api/escalations/${id}/resolve`, { note: 'told by phone' })).status).toBe(200)
    }
    expect((await erase(leadId)).status).toBe(204)
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
    await moveClock(product, 20)
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('they are nobody’s any more once their money went back, also when they wait for a person to be sent', async () => {
    const dana = await newProvider(product)
    const eve = await newProvider(product)
    const unsent = await dana.hasLink()
    const lost = await eve.hasLink()
    product.textmagic.configure({ receipts: 'manual' })
    await product.stripe.payLink(lost.url)
    await product.reaches(lost.unlockId, 'REVEAL_DETAILS_SENT')
    const details = product.textmagic.messages().find(({ text, phone }) => phone === eve.phone && DETAILS.test(text))
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
    await product.textmagic.deliver(details?.id ?? 0, 'f')
    await product.stripe.payLink(unsent.url)
    for (const { unlockId } of [unsent, lost]) {
      await hurryUntil(product, 'reveal', 'the details to wait for a person', async () => {
        return (await openKinds(product, unlockId)).includes('reveal_failed')
      })
    }
    for (const { unlockId, leadId } of [unsent, lost]) {
      expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
      await until('their erasure to be allowed', async () => {
        await moveClock(product, 660)
        return (await erase(leadId)).status === 204
      })
    }
    expect([...dana.inbox(DETAILS), ...eve.inbox(DETAILS)]).toHaveLength(1)
  })

  it('an offer that was declined is not taken up again', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    await dana.says('N')
    expect((await erase(leadId)).status).toBe(204)
    await dana.says(`Y ${leadId}`)
    await dana.gets(EXPIRED)
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('EXPIRED')
    expect(dana.inbox(LINK)).toEqual([])
  })

  it('a payment that comes late all the same is given back, and a person hears of it', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await product.api('POST', `/api/unlocks/${unlockId}/expire`)
    await settled(product)
    expect((await erase(leadId)).status).toBe(204)
    const { paymentIntent } = await product.stripe.payLink(url, { force: true })
    await until('the refund', () =>
      product.stripe.charges().some((charge) => charge.payment_intent === paymentIntent.id && charge.refunded),
    )
    await escalated(product, unlockId, 'paid_after_erasure')
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('EXPIRED')
    expect(dana.inbox(DETAILS)).toEqual([])
  })

  it('an erasure and an offer, a Y or a payment at once: one of them comes first, and nothing is sold that is gone', async () => {
    for (const rival of ['offer', 'reply', 'payment'] as const) {
      const dana = await newProvider(product)
      const { leadId, unlockId, url } = await dana.hasLink()
      await dana.says(`N ${leadId}`)
      await settled(product)
      const rivals = {
        offer: () => product.api('POST', `/api/leads/${leadId}/send`, { provider_ids: ['provider61'] }),
        reply: () => dana.says(`Y ${leadId}`),
        payment: () => product.stripe.payLink(url, { force: true }),
      }
      const [erased] = await Promise.all([erase(leadId), rivals[rival]()])
      await settled(product)
      const [row] = await product.rows<{ erased: boolean; open: number }>(
        `select contact_erased_at is not null as erased, (select count(*)::int from lead_unlocks
           where lead_id = l.id and status not in ('EXPIRED', 'DONE')) as open from leads l where id = ?`,
        [leadId],
      )
      expect(row?.erased).toBe(erased.status === 204)
      expect(row?.erased ? row.open : 0).toBe(0)
      const kept = (await product.unlock(unlockId)).payments.filter(
        ({ status }: { status: string }) => status === 'kept',
      )
      expect(dana.inbox(DETAILS)).toHaveLength(kept.length)
    }
  })
})

it('an erasure waits for a Y that is being handled, and is refused then: nobody gets a link for what is gone', async () => {
  const dana = await newProvider(product)
  const { leadId, unlockId } = await dana.hasTeaser()
  await dana.says(`N ${leadId}`)
  await settled(product)
  const { erased } = await inTransaction(product.db.em, async (tx) => {
    await applyEvent(tx, unlockId, { type: 'reply_yes' }, 'reply')
    const erased = erase(leadId)
    await somebodyWaits(product)
    return { erased }
  })
  expect((await erased).status).toBe(409)
  await product.reaches(unlockId, 'AWAITING_PAYMENT')
})
