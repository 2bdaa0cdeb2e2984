import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { SAMPLE_PROVIDERS } from '../../src/sandbox/sample.ts'
import { DETAILS, LINK } from '../acceptance/people.ts'
import { type Sandbox, startSandbox } from '../acceptance/sandbox.ts'
import { temporaryState } from '../acceptance/state.ts'
import { startBrowser } from './browser.ts'

const TIMEOUT_MS = 240_000
const [AMY] = SAMPLE_PROVIDERS

let state: StateDirectory
let sandbox: Sandbox

beforeAll(async () => {
  state = await temporaryState()
  sandbox = await startSandbox(state.dir)
}, TIMEOUT_MS)
afterAll(async () => {
  await sandbox?.process.stop()
  state.close()
}, TIMEOUT_MS)

test('Amy answers by the button, pays, and reads the details', { timeout: TIMEOUT_MS }, async () => {
  const chrome = await startBrowser()
  try {
    const page = await chrome.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(`${sandbox.pagesUrl}/sandbox`)
    const amy = page.locator(`[data-phone="${AMY.phone}"]`)
    const bubble = (text: string | RegExp) => amy.getByTestId('message-text').filter({ hasText: text }).last()
    await bubble(sandbox.leadId).waitFor({ timeout: 40_000 })
    await page.getByRole('button', { name: 'Reply Y as Amy' }).click()
    const link = bubble(LINK).filter({ hasText: sandbox.leadId }).getByRole('link')
    await link.waitFor({ timeout: 40_000 })
    const opening = page.waitForEvent('popup')
    await link.click()
    const checkout = await opening
    await expect.poll(() => checkout.getByTestId('amount').textContent(), { timeout: 20_000 }).toBe('$20.00')
    await checkout.getByTestId('pay-button').click()
    await checkout.getByTestId('payment-complete').waitFor({ timeout: 20_000 })
    await bubble(DETAILS).filter({ hasText: 'Sarah Johnson' }).waitFor({ timeout: 40_000 })
    expect(errors).toEqual([])
  } finally {
    await chrome.close()
  }
})
