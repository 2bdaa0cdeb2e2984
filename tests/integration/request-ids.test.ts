import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { type Json, type Product, startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  // Workers sweep once when they start, and not again while a test waits.
  product = await startProduct({ workers: false, env: { SWEEP_SECONDS: '3600' } })
})
beforeEach(() => {
  product.log.length = 0
})
afterAll(() => product.close())

/** Every line that was logged in a job. */
const jobLines = (): Json[] => product.log.map((line) => JSON.parse(line)).filter(({ job_id }) => job_id !== undefined)

const linesOf = (job: string): Json[] => jobLines().filter((line) => line.job === job)

async function postLead(requestId: string): Promise<Record<string, number>> {
  const answer = await fetch(`${product.url}/api/leads`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${product.secrets.adminApiKey}`,
      'content-type': 'application/json',
      'x-request-id': requestId,
    },
    body: JSON.stringify({ ...SAMPLE_LEAD, provider_ids: ['provider60', 'provider61'] }),
  })
  expect(answer.status).toBe(201)
  const { unlocks }: Json = await answer.json()
  return Object.fromEntries(unlocks.map(({ id, provider_id }: Json) => [provider_id, id]))
}

describe('the id of a request', () => {
  it('is in every line of the jobs it caused, those that fail included, beside the unlock', async () => {
    product.textmagic.faults.add({ kind: 'status', status: 503, path: '/api/v2/messages', times: 1 })
    const unlocks = await postLead('abc')
    const caused = (await product.publisher.queues.get('send-teaser')?.getJobs(['waiting'])) ?? []
    const workers = await product.startMoreWorkers()
    for (const id of Object.values(unlocks)) await product.reaches(id, 'AWAIT_CONFIRM')
    await workers.close()

    // On a slow machine the sweep may have had a job of its own for them.
    const teasers = linesOf('send-teaser').filter((line) => caused.some(({ id }) => id === line.job_id))
    expect(new Set(teasers.map(({ job_id }) => job_id)).size).toBe(2)
    expect(teasers.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['job done', 'job attempt failed']))
    for (const line of teasers) expect(line).toMatchObject({ request_id: 'abc' })
    expect(new Set(teasers.map(({ unlock_id }) => unlock_id))).toEqual(new Set(Object.values(unlocks)))
  })

  it('of a text comes back with the sweep when Redis lost the job, and goes on to the jobs that follow', async () => {
    await product.textmagic.reply({ from: '13055550160', text: 'help' })
    const stored = () =>
      product.rows<{ request_id: string }>(`select request_id from webhook_inbox where source = 'textmagic'`)
    await until('the text to be stored', async () => (await stored()).length > 0)
    const [row] = await stored()
    await product.publisher.queues.get('handle-reply')?.obliterate({ force: true })
    await product.rows('update webhook_inbox set next_attempt_at = app_now()')
    const workers = await product.startMoreWorkers()
    await until('the answer', () =>
      product.inboxOf('provider60').some((text) => text.includes('HELP') || text.includes('STOP')),
    )
    await until('its job to end', () => linesOf('send-notice').length > 0)
    await workers.close()

    for (const job of ['handle-reply', 'send-notice']) {
      expect(linesOf(job).map(({ request_id }) => request_id)).toEqual(linesOf(job).map(() => row?.request_id))
      expect(linesOf(job).length).toBeGreaterThan(0)
    }
  })

  it('is made for work that no request is known for, the same for all that one sweep begins', async () => {
    const unlocks = await postLead('lost-with-redis')
    await product.publisher.queues.get('send-teaser')?.obliterate({ force: true })
    await product.rows(`update outbound_messages set next_attempt_at = app_now() where status = 'pending'`)
    const workers = await product.startMoreWorkers()
    for (const id of Object.values(unlocks)) await product.reaches(id, 'AWAIT_CONFIRM')
    await workers.close()

    const said = product.log
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'sweep found work without a job')
    const ids = new Set(said.map(({ request_id }) => request_id))
    for (const id of ids) expect(id).toMatch(/^sweep:/)
    for (const line of linesOf('send-teaser')) expect(ids).toContain(line.request_id)
    for (const line of jobLines()) expect(line.request_id).toMatch(/./)
  })
})
