import { once } from 'node:events'
import { UnrecoverableError, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, OPERATOR_KEY, startHarness } from '../integration/api-harness.ts'
import { testRedis } from '../support/stores.ts'
import { startBrowser } from './browser.ts'

const patient = { timeout: 30_000 }

describe('the queue board in a browser', () => {
  let browser: Browser
  let api: Harness
  let url: string

  beforeAll(async () => {
    // As behind a proxy that speaks TLS: the cookie is for TLS alone, which a browser takes for granted on localhost.
    api = await startHarness({ config: { publicUrl: 'https://leads.test' } })
    const address = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }))
    url = `http://localhost:${address.port}`
    browser = await startBrowser()
  })

  afterAll(async () => {
    await browser?.close()
    await api.close()
  })

  /** A reveal that failed for good. */
  async function failedJob(): Promise<string> {
    const queue = api.publisher.queues.get('reveal')
    const job = await queue?.add('reveal', { unlock_id: 12, request_id: 'inquiry-4711' })
    const connection = new Redis(testRedis().url, { maxRetriesPerRequest: null })
    const fail = async () => {
      throw new UnrecoverableError('invalid_request')
    }
    const worker = new Worker('reveal', fail, { connection, prefix: queue?.opts.prefix ?? '', skipVersionCheck: true })
    await once(worker, 'failed')
    await worker.close()
    connection.disconnect()
    return job?.id ?? ''
  }

  const signIn = async (page: Page, key: string) => {
    await page.getByLabel('API key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  test('somebody signs in, sees why a job failed, retries it, signs out, and is let in no more', async () => {
    const id = await failedJob()
    const page = await browser.newPage()
    const scriptErrors: string[] = []
    page.on('pageerror', (error) => scriptErrors.push(error.message))

    await page.goto(`${url}/admin/queues/queue/reveal?status=failed`)
    expect(new URL(page.url()).pathname).toBe('/admin/sign-in')
    await signIn(page, 'wrong')
    await page.getByRole('alert').getByText('unknown or was revoked').waitFor()
    await signIn(page, OPERATOR_KEY)
    await page.waitForURL('**/admin/queues')

    await page.goto(`${url}/admin/queues/queue/reveal?status=failed`)
    await page.getByText('invalid_request').waitFor()
    await page.getByRole('tab', { name: 'Data' }).click()
    await page.getByText('inquiry-4711').waitFor()
    const actions = page
      .getByText(`#${id}`, { exact: true })
      .locator('xpath=ancestor::*[.//button][1]')
      .getByRole('button')
    await actions.first().hover()
    await page.getByText('Retry', { exact: true }).waitFor()
    await actions.first().click()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('No failed jobs in this queue.').waitFor()
    await expect.poll(async () => (await api.jobs('reveal')).map(({ data }) => data.unlock_id), patient).toEqual([12])

    await page.goto(`${url}/admin/sign-in`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('API key').waitFor()
    await page.goto(`${url}/admin/queues`)
    expect(new URL(page.url()).pathname).toBe('/admin/sign-in')
    expect(await api.rows('select action, target, key_name from audit_log order by id')).toEqual([
      { action: 'board.sign_in', target: 'board', key_name: 'operator' },
      { action: 'queue.retry_job', target: `job:reveal:${id}`, key_name: 'operator' },
      { action: 'board.sign_out', target: 'board', key_name: 'operator' },
    ])
    expect(scriptErrors).toEqual([])
    await page.close()
  })
})
