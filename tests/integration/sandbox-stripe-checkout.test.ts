import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import type Stripe from 'stripe'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { linkParams, startStripe } from './sandbox-stripe-harness.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

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

  test('the customer is sent on to where the link says', async () => {
    const { emulator, stripe } = await startStripe()
    const url = 'https://example.com/thanks?session={CHECKOUT_SESSION_ID}'
    const link = await stripe.paymentLinks.create(
      linkParams({ after_completion: { type: 'redirect', redirect: { url } } }),
    )
    const session = await emulator.openSession(link.id)
    const body = new URLSearchParams({ card_number: '4242424242424242' })
    const response = await fetch(String(session.url), { method: 'POST', body, redirect: 'manual' })
    expect(response.headers.get('location')).toBe(`https://example.com/thanks?session=${session.id}`)
  })

  test('links are made for the address browsers use', async () => {
    const { stripe } = await startStripe({ publicUrl: 'http://pay.example.test' })
    const link = await stripe.paymentLinks.create(linkParams())
    expect(link.url).toBe(`http://pay.example.test/pay/${link.id}`)
  })
})

describe.skipIf(executablePath === undefined)('the checkout in a browser', { timeout: 60_000 }, () => {
  let browser: Browser

  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
    const quiet = ['--disable-component-update', '--disable-sync']
    browser = await chromium.launch({ ...(executablePath && { executablePath }), args: [...args, ...quiet] })
  }, 60_000)

  afterAll(() => browser?.close())

  test('a customer pays with the card filled in, and the link is closed afterwards', async () => {
    const { emulator, stripe } = await startStripe()
    const link = await stripe.paymentLinks.create(linkParams({ line_items: [item('Unlock in Miami')] }))
    const page = await newPage(browser)
    await page.goto(link.url)
    expect(await page.getByRole('heading', { name: 'Unlock in Miami' }).isVisible()).toBe(true)
    expect(await page.getByLabel('Card number').inputValue()).toBe('4242 4242 4242 4242')
    await page.getByRole('button', { name: 'Pay $20.00' }).click()
    await page.getByRole('heading', { name: 'Payment successful' }).waitFor()
    expect(emulator.sessions()).toMatchObject([
      { payment_status: 'paid', customer_details: { email: expect.any(String) } },
    ])

    await page.goto(link.url)
    expect(await page.getByTestId('inactive-message').textContent()).toBe('This lead has been unlocked.')
  })

  test('a declined card can be tried again with another, and cancelling charges nothing', async () => {
    const { emulator, stripe } = await startStripe()
    const page = await newPage(browser)
    await page.goto((await stripe.paymentLinks.create(linkParams())).url)
    await page.getByLabel('Card number').fill('4000 0000 0000 0002')
    await page.getByTestId('pay-button').click()
    expect(await page.getByRole('alert').textContent()).toBe('Your card was declined.')
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'Payment cancelled' }).waitFor()
    expect(emulator.paymentIntents()).toEqual([])

    await page.getByTestId('back-link').click()
    await page.getByTestId('pay-button').click()
    await page.getByTestId('payment-complete').waitFor()
    expect(emulator.sessions()).toHaveLength(1)
  })

  test('a session that has timed out says so', async () => {
    const { emulator, stripe } = await startStripe()
    const session = await emulator.openSession((await stripe.paymentLinks.create(linkParams())).id)
    emulator.advanceClock(25 * 60 * 60 * 1000)
    const page = await newPage(browser)
    await page.goto(String(session.url))
    expect(await page.getByRole('heading').textContent()).toBe('Session expired')
  })
})

async function newPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(error.message))
  onTestFinished(async () => {
    await page.close()
    // The browser asks for an icon by itself; the pages have none.
    expect(problems.filter((problem) => !problem.includes('favicon'))).toEqual([])
  })
  return page
}

function item(name: string): Stripe.PaymentLinkCreateParams.LineItem {
  return { price_data: { currency: 'usd', unit_amount: 2000, product_data: { name } }, quantity: 1 }
}
