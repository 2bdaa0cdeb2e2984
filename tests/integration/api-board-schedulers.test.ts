import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Harness, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

it('what a timer puts into its jobs is shown on the board by its ids alone', async () => {
  const sweep = api.publisher.queues.get('sweep')
  const data = { request_id: 'timer-1', client_name: 'Sarah Johnson' }
  await sweep?.upsertJobScheduler('sweep', { every: 3_600_000 }, { name: 'sweep', data })
  const { status, text } = await api.call('GET', '/admin/queues/api/job-schedulers')
  expect(status).toBe(200)
  expect(text).toContain('timer-1')
  expect(text).not.toContain('Sarah')
})
