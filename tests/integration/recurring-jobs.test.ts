import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JobName } from '../../src/queues/contract.ts'
import type { WorkerServices } from '../../src/workers/deps.ts'
import { registerSchedules, startTimers } from '../../src/workers/schedule.ts'
import { type Product, startProduct } from '../support/product.ts'
import { withServices } from '../support/services.ts'
import { until } from '../support/until.ts'

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

it('the recurring work is put into its queue as often as configured, once for all that register it', async () => {
  const options = { sweepSeconds: 30, backfillMinutes: 5 }
  await registerSchedules(product.publisher, options)
  await registerSchedules(product.publisher, options)
  const every = async (name: JobName) =>
    (await product.publisher.queues.get(name)?.getJobSchedulers())?.map((scheduler) => scheduler.every)
  expect(await every('sweep')).toEqual([30_000])
  expect(await every('backfill')).toEqual([300_000])
  expect(await every('erase-contacts')).toEqual([3_600_000])
})

/** Begins the recurring work in this process. @param takesWrites asked by each sweep before it begins */
function begin(services: WorkerServices, takesWrites: () => Promise<boolean>) {
  const publisher = { ...services.publisher, takesWrites }
  return startTimers({ ...services, publisher }, { sweepSeconds: 0.001, backfillMinutes: 60 })
}

/** Sweeps that would have begun meanwhile have. */
async function someSweepsLater(services: WorkerServices): Promise<void> {
  let sweeps = 0
  const stop = begin(services, async () => {
    sweeps += 1
    return false
  })
  await until('others to sweep', () => sweeps > 4)
  await stop()
}

it('a process repeats the recurring work by itself, also after a run that failed, until it stops', async () => {
  await withServices(product, async (services) => {
    let sweeps = 0
    const stop = begin(services, async () => {
      sweeps += 1
      if (sweeps === 2) throw new Error('broken')
      return false
    })
    await until('it to have swept again and again', () => sweeps > 4)
    await stop()
    const before = sweeps
    await someSweepsLater(services)
    expect(sweeps).toBe(before)
  })
})

it('a process that stops waits for the run that is under way, and begins no other', async () => {
  await withServices(product, async (services) => {
    const answer = Promise.withResolvers<boolean>()
    let sweeps = 0
    const stop = begin(services, () => {
      sweeps += 1
      return answer.promise
    })
    let stopped = false
    const stopping = stop().then(() => {
      stopped = true
    })
    await product.rows('select 1')
    expect(stopped).toBe(false)
    answer.resolve(false)
    await stopping
    await someSweepsLater(services)
    expect(sweeps).toBe(1)
  })
})

it.each([
  { job: 'alert', escalation_id: 1 },
  { job: 'confirm-delivery', unlock_id: 1 },
] as const)('of the $job jobs that failed only the newest stay: nobody waits for them', async (due) => {
  await product.publisher.publish([due])
  const [job] = (await product.publisher.queues.get(due.job)?.getJobs(['waiting'])) ?? []
  expect(job?.opts.removeOnFail).toEqual({ count: 20 })
})
