import fastify, { type FastifyInstance } from 'fastify'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Phone } from '../../src/sandbox/phones/conversations.ts'
import { registerPhonesPage } from '../../src/sandbox/phones/routes.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { call, startEmulator, startReceiver } from '../integration/sandbox-textmagic-harness.ts'
import { startBrowser } from './browser.ts'

const patient = { timeout: 15_000 }

describe('the phones page in a browser', { timeout: 30_000 }, () => {
  let browser: Browser
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let emulator: TextMagicEmulator
  let app: FastifyInstance
  let page: Page
  let owners: Phone[]
  const consoleErrors: string[] = []

  beforeAll(async () => {
    browser = await startBrowser()
  }, 60_000)

  afterAll(() => browser?.close())

  beforeEach(async () => {
    receiver = await startReceiver()
    emulator = await startEmulator({ inboundUrl: `${receiver.url}/sms` })
    app = fastify({ forceCloseConnections: true })
    owners = [
      { id: 'provider60', name: 'Amy <b>', phone: '+12025550101' },
      { id: 'provider61', name: 'Ben', phone: '+12025550102' },
    ]
    registerPhonesPage(app, { textmagic: emulator, phones: async () => owners })
    page = await browser.newPage()
    page.on('console', (message) => message.type() === 'error' && consoleErrors.push(message.text()))
    page.on('pageerror', (error) => consoleErrors.push(error.message))
    await page.goto(`${await app.listen({ port: 0, host: '127.0.0.1' })}/sandbox`)
  }, 30_000)

  afterEach(async () => {
    await page.close()
    await app.close()
    await emulator.close()
    await receiver.close()
    expect(consoleErrors.splice(0)).toEqual([])
  })

  const amy = () => page.locator('[data-phone="+12025550101"]')
  const texts = () => amy().getByTestId('message-text').allTextContents()
  const send = (text: string) => call(emulator, 'POST', '/api/v2/messages', { text, phones: '12025550101' })

  test('a text appears on its phone without reloading, and the quick buttons answer it', async () => {
    await page.getByRole('button', { name: 'Reply Y as Ben' }).waitFor()
    await send('New client inquiry')
    await expect.poll(texts, patient).toEqual(['New client inquiry'])
    await amy().getByTestId('quick-y').click()
    await expect.poll(texts, patient).toEqual(['New client inquiry', 'Y'])
    expect(receiver.received.map(({ fields }) => fields)).toMatchObject([{ sender: '12025550101', text: 'Y' }])
    await amy().getByTestId('quick-stop').click()
    await amy().getByTestId('unsubscribed').waitFor()
  })

  test('a text is typed and sent from the phone it belongs to', async () => {
    await page.getByRole('textbox', { name: 'Text message from Ben' }).fill('N lead_abc12345')
    await page.getByRole('button', { name: 'Send as Ben' }).click()
    await expect
      .poll(() => emulator.replies().map(({ from, text }) => [from, text]), patient)
      .toEqual([['12025550102', 'N lead_abc12345']])
    await expect.poll(() => page.getByRole('textbox', { name: 'Text message from Ben' }).inputValue(), patient).toBe('')
  })

  test('markup in a text is shown as written, and only web addresses become links', async () => {
    const hostile = '<img src=x onerror="document.title=1"> javascript:alert(1) <a href=//x>x</a>'
    await send(`${hostile} https://buy.stripe.com/test_x?a=1&b=2. (Lead lead_abc12345)`)
    await expect
      .poll(texts, patient)
      .toEqual([`${hostile} https://buy.stripe.com/test_x?a=1&b=2. (Lead lead_abc12345)`])
    const links = await amy()
      .locator('.text a')
      .evaluateAll((all) => all.map((link) => link.outerHTML))
    expect(links).toEqual([
      '<a href="https://buy.stripe.com/test_x?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">https://buy.stripe.com/test_x?a=1&amp;b=2</a>',
    ])
    expect(await amy().locator('img').count()).toBe(0)
    expect(await amy().locator('h2').textContent()).toBe('Amy <b>')
    expect(await page.title()).toContain('Virtual phones')
  })

  test('whose phone it is follows the provider database, and a phone that nobody has any more is gone', async () => {
    await call(emulator, 'POST', '/api/v2/messages', { text: 'Hello', phones: '12025550103' })
    await page.getByRole('button', { name: 'Reply Y as Unknown number' }).waitFor()
    owners = [
      { id: 'provider60', name: 'Amy', phone: '+12025550101' },
      { id: 'provider70', name: 'Dana', phone: '+12025550103' },
    ]
    await page.getByRole('button', { name: 'Reply Y as Dana' }).waitFor(patient)
    await expect
      .poll(
        () => page.locator('.phone').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label'))),
        patient,
      )
      .toEqual(['Phone of Amy', 'Phone of Dana'])
  })

  test('a page that is opened shows the newest text of every phone', async () => {
    const names = ['Amy', 'Ben', 'Carla', 'Dana', 'Eve']
    owners = names.map((name, index) => ({ id: name, name, phone: `+1202555010${index + 1}` }))
    for (let count = 0; count < 6; count += 1) {
      const phones = owners.map(({ phone }) => phone.slice(1)).join()
      await call(emulator, 'POST', '/api/v2/messages', { text: `A text of some lines. ${'Word '.repeat(60)}`, phones })
    }
    await page.reload()
    const hidden = () =>
      page
        .locator('.messages')
        .evaluateAll((all) => all.map((list) => list.scrollHeight - list.scrollTop - list.clientHeight))
    await expect.poll(async () => (await hidden()).length, patient).toBe(5)
    expect((await hidden()).every((pixels) => pixels < 2)).toBe(true)
  })

  test('the page says what became of each text, and when the sandbox is gone', async () => {
    const note = () => amy().locator('.note').first().textContent()
    await send('Hello')
    await expect.poll(note, patient).toContain('on its way')
    await emulator.deliver(49576009, 'j', 'g')
    await expect.poll(note, patient).toContain('rejected: unsubscribed')
    await app.close()
    await expect.poll(() => page.getByTestId('connection').getAttribute('data-state'), patient).toBe('lost')
    consoleErrors.splice(0)
  })
})
