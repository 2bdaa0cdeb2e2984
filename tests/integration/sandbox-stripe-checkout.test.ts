import type Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { linkParams, startStripe } from './sandbox-stripe-harness.ts'

describe('the checkout pages', () => {
  test('what the link is called is shown as text, never run as markup', async () => {
    const { stripe } = await startStripe({ merchantName: 'A & B' })
    const { url } = await stripe.paymentLinks.create(
      linkParams({ line_items: [item('<script>alert(1)</script> "x"')] }),
    )
    const page = await (await fetch(url)).text()
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &quot;x&quot;')
    expect(page).toContain('A &amp; B')
    expect(page).not.toContain('<script')
  })

  test('a link that does not exist is not found', async () => {
    const { emulator } = await startStripe()
    const response = await fetch(`${emulator.url}/pay/plink_no`)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('There is no such payment link.')
  })

  test('pressing Pay twice pays once', async () => {
    const { emulator, stripe } = await startStripe()
    await emulator.openSession((await stripe.paymentLinks.create(linkParams())).id)
    const url = String(emulator.sessions()[0]?.url)
    const pay = () => fetch(url, { method: 'POST', body: new URLSearchParams({ card_number: '4242424242424242' }) })
    const [first, second] = await Promise.all([pay(), pay()])
    expect([first?.status, second?.status]).toEqual([200, 200])
    expect(emulator.paymentIntents()).toHaveLength(1)
  })

  test('going back to the cancel page after paying does not say that nothing was charged', async () => {
    const { emulator, stripe } = await startStripe()
    const { session } = await emulator.payLink((await stripe.paymentLinks.create(linkParams())).id)
    const page = await (await fetch(`${emulator.url}/c/pay/${session.id}/cancelled`)).text()
    expect(page).toContain('Payment successful')
    expect(page).not.toContain('Nothing was charged')
  })
})

function item(name: string): Stripe.PaymentLinkCreateParams.LineItem {
  return { price_data: { currency: 'usd', unit_amount: 2000, product_data: { name } }, quantity: 1 }
}
