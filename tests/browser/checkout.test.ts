import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { linkParams, startStripe } from '../integration/sandbox-stripe-harness.ts'
import { startBrowser } from './browser.ts'

const MIAMI = {
  price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'Unlock in Miami' } },
  quantity: 1,
}

describe('the checkout in a browser', { timeout: 60_000 }, () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startBrowser()
  }, 60_000)

  afterAll(() => browser?.close())

  test('a customer pays with the card filled in, and the link is closed afterwards', async () => {
    const { emulator, stripe } = await startStripe()
    const link = await stripe.paymentLinks.create(linkParams({ line_items: [MIAMI] }))
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
