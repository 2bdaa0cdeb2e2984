import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerSchedules } from '../../src/workers/schedule.ts'
import { type Product, startProduct } from '../support/product.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct({ workers: false })
})
afterAll(() => product.close())

it.each(['sweep', 'backfill', 'erase-contacts'] as const)(
  'of the runs of %s that failed only the newest stay',
  async (name) => {
    await registerSchedules(product.publisher, { sweepSeconds: 30, backfillMinutes: 5 })
    const queue = product.publisher.queues.get(name)
    const [scheduled] = (await queue?.getJobs(['waiting', 'delayed'])) ?? []
    expect(scheduled?.opts.removeOnFail).toEqual({ count: 20 })
  },
)

it.each([
  { job: 'alert', escalation_id: 1 },
  { job: 'confirm-delivery', unlock_id: 1 },
] as const)('of the $job jobs that failed only the newest stay: nobody waits for them', async (due) => {
  await product.publisher.publish([due])
  const [job] = (await product.publisher.queues.get(due.job)?.getJobs(['waiting'])) ?? []
  expect(job?.opts.removeOnFail).toEqual({ count: 20 })
})
