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

it('of the alerts that failed only the newest stay: the sweep repeats each for as long as nobody was told', async () => {
  await product.publisher.publish([{ job: 'alert', escalation_id: 1 }])
  const [job] = (await product.publisher.queues.get('alert')?.getJobs(['waiting'])) ?? []
  expect(job?.opts.removeOnFail).toEqual({ count: 20 })
})
