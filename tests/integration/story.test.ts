import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Product, startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
afterAll(() => product.close())

describe('the main job', () => {
  it('sells a lead: teaser, Y, link, payment, reveal, delivery', async () => {
    const { leadId, unlocks } = await product.offer(['provider60'])
    const id = unlocks.provider60 ?? 0
    await product.reaches(id, 'AWAIT_CONFIRM')
    await product.text('provider60', 'Y')
    const url = await product.linkOf('provider60')
    await product.reaches(id, 'AWAITING_PAYMENT')
    await product.stripe.payLink(url)
    await product.reaches(id, 'DONE')
    expect(product.inboxOf('provider60')).toEqual([
      'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. Time window: Evening (6-9 PM). ' +
        `Budget: $150-200. Reply Y to unlock contact details for $20. Reply N to skip. Lead ${leadId}.`,
      `Amy, complete your $20 payment to unlock client details: ${url} (Lead ${leadId})`,
      'Amy, here are the client details:\n\nName: Sarah Johnson\nPhone: +1234567890\nEmail: sarah.johnson@email.com\n' +
        'Address: 123 Ocean Drive, Miami Beach, FL 33139\nNotes: Client prefers deep tissue massage\n\n' +
        'Gold Touch List provides advertising access to client inquiries. We do not arrange or guarantee appointments.',
    ])
    const { timeline, unlock } = await product.unlock(id)
    expect(timeline.map(({ to_status }: { to_status: string }) => to_status)).toEqual([
      'TEASER_SENT',
      'AWAIT_CONFIRM',
      'CHECK_EXISTING_PAYMENT',
      'CREATE_PAYMENT_LINK',
      'PAYMENT_LINK_SENT',
      'AWAITING_PAYMENT',
      'PAID',
      'REVEAL_DETAILS_SENT',
      'DONE',
    ])
    expect(unlock.unlocked_at).not.toBeNull()
    await until('the paid link to be closed', async () => {
      const [row] = await product.rows<{ open: string }>(
        `select count(*) as open from payment_links where status <> 'closed'`,
      )
      return Number(row?.open) === 0
    })
    const { body } = await product.api('GET', '/api/analytics')
    expect(body.totals).toMatchObject({
      leads: 1,
      conversion: { teasers: 1, paid: 1, rate: 1 },
      response_times: { replies: 1 },
      payment_success: { links_sent: 1, paid: 1, rate: 1 },
      revenue: [{ currency: 'usd', payments: 1, kept_cents: 2000, per_lead_cents: 2000 }],
    })
  })

  it('forwards what is not about a lead in the shape it came in', async () => {
    await product.text('provider61', 'Can I move my appointment to Friday?')
    await until('the forward', () => product.forwarded.some(({ path }) => path === '/fallback'))
    const [forward] = product.forwarded.filter(({ path }) => path === '/fallback')
    expect(forward?.contentType).toContain('application/json')
    expect(JSON.parse(forward?.body ?? '{}')).toMatchObject({ text: 'Can I move my appointment to Friday?' })
  })
})
