import type { Job } from 'bullmq'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createLogger } from '../../src/logging.ts'
import { workerConnection } from '../../src/queues/connection.ts'
import { jobs } from '../../src/queues/contract.ts'
import { FinalError, RetryLater } from '../../src/workers/errors.ts'
import { defineJob } from '../../src/workers/job.ts'
import { runWorker } from '../../src/workers/run-worker.ts'
import { readScrape } from '../support/figures.ts'
import { type Product, startProduct } from '../support/product.ts'
import { withServices } from '../support/services.ts'
import { until } from '../support/until.ts'

let product: Product
beforeAll(async () => {
  product = await startProduct({ workers: false })
})
afterAll(() => product.close())

type Running = {
  /** How many attempts are under way, as the process is told. */
  underWay(): number
  attempts(outcome: string): Promise<number | undefined>
  /** Has its connection fail with this. @returns what it logs of that */
  failWith(error: Error): Record<string, unknown>[]
  /** How many waits were measured, and their sum in seconds. */
  waits(): Promise<(number | undefined)[]>
}

/** Runs a worker of the queue `expire` while `work` goes on. */
async function working(
  run: () => Promise<void>,
  work: (running: Running) => Promise<void>,
  concurrency?: number,
): Promise<void> {
  const connection = workerConnection(product.config.redisUrl)
  onTestFinished(() => connection.disconnect())
  const handler = defineJob({ name: 'expire', run, onFailed: async () => undefined })
  await withServices(product, async (services) => {
    let underWay = 0
    const lines: string[] = []
    const log = createLogger({ name: 'test', level: 'warn', destination: { write: (line) => lines.push(line) } })
    const worker = runWorker({ ...services, log }, handler, {
      connection,
      prefix: product.redisPrefix,
      onAttempt(change) {
        underWay += change
      },
      ...(concurrency === undefined ? {} : { concurrency }),
    })
    const figures = async () => readScrape(await services.metrics.registry.metrics())
    try {
      await work({
        underWay: () => underWay,
        failWith(error) {
          lines.length = 0
          worker.emit('error', error)
          return lines.map((line) => JSON.parse(line))
        },
        attempts: async (outcome) => (await figures()).value('lead_unlock_jobs_total', { queue: 'expire', outcome }),
        async waits() {
          const { value } = await figures()
          return ['count', 'sum'].map((what) => value(`lead_unlock_job_wait_seconds_${what}`, { queue: 'expire' }))
        },
      })
    } finally {
      await worker.close()
      await product.publisher.queues.get('expire')?.obliterate({ force: true })
    }
  })
}

const publish = (...ids: number[]) =>
  product.publisher.publish(ids.map((unlock_id) => ({ job: 'expire', unlock_id }) as const))

/** Waits until the queue has a job in this state, and returns it. */
async function jobIn(state: 'delayed' | 'failed'): Promise<Job> {
  let found: Job | undefined
  await until(`a job to be ${state}`, async () => {
    found = (await product.publisher.queues.get('expire')?.getJobs([state]))?.[0]
    return found !== undefined
  })
  if (found === undefined) throw new Error('unreachable')
  return found
}

describe('a worker', () => {
  it('makes another attempt no sooner than the contract has it, and keeps nothing of the failure but its code', async () => {
    const run = () => Promise.reject(Object.assign(new Error('Sarah Johnson'), { code: 'broken' }))
    await working(run, async ({ attempts }) => {
      const since = Date.now()
      await publish(1)
      const job = await jobIn('delayed')
      expect((job.processedOn ?? 0) + job.delay - since).toBeGreaterThanOrEqual(jobs.expire.backoff.baseMs / 2)
      expect([job.attemptsMade, job.failedReason]).toEqual([1, 'broken'])
      expect(JSON.stringify(job.asJSON())).not.toContain('Sarah')
      expect([await attempts('failed'), await attempts('done')]).toEqual([1, 0])
    })
  })

  it('leaves a job that no other attempt would mend to a person', async () => {
    await working(
      () => Promise.reject(new FinalError('no_address')),
      async ({ attempts }) => {
        await publish(1)
        const { attemptsMade, failedReason } = await jobIn('failed')
        expect([attemptsMade, failedReason]).toEqual([1, 'no_address'])
        expect(await attempts('given_up')).toBe(1)
      },
    )
  })

  it('gives a job up, for a person to be called, with the last attempt that it has', async () => {
    await working(
      () => Promise.reject(new Error('broken')),
      async ({ attempts }) => {
        await product.publisher.queues.get('expire')?.add('expire', { unlock_id: 1 }, { attempts: 1 })
        await jobIn('failed')
        expect([await attempts('given_up'), await attempts('failed')]).toEqual([1, 0])
      },
    )
  })

  it('has a job that is not due yet come back when it is, at no attempt’s cost', async () => {
    await working(
      () => Promise.reject(new RetryLater(3_600_000)),
      async ({ attempts }) => {
        const since = Date.now()
        await publish(1)
        const { attemptsMade, delay, processedOn } = await jobIn('delayed')
        expect((processedOn ?? 0) + delay - since).toBeGreaterThanOrEqual(3_600_000)
        expect(attemptsMade).toBe(0)
        expect(await attempts('later')).toBe(1)
      },
    )
  })

  it('counts a job whose payload breaks the contract as failed', async () => {
    await working(
      async () => undefined,
      async ({ attempts, underWay }) => {
        await product.publisher.queues.get('expire')?.add('expire', { client_name: 'Sarah Johnson' })
        await until('it to have failed', async () => (await attempts('failed')) === 1)
        await until('it to be over', () => underWay() === 0)
      },
    )
  })

  it.each([
    ['as many jobs side by side as the contract says', undefined, 3],
    ['no more jobs side by side than it is told to', 1, 1],
  ])('does %s, and says of each when it begins and ends', async (_what, concurrency, expected) => {
    const finish = Promise.withResolvers<void>()
    let most = 0
    let begun = 0
    let under = 0
    const run = async () => {
      begun += 1
      under += 1
      most = Math.max(most, under)
      await finish.promise
      under -= 1
    }
    await working(
      run,
      async ({ underWay, attempts }) => {
        await publish(1, 2, 3)
        await until('the jobs to be under way', () => begun >= expected)
        expect(underWay()).toBe(expected)
        finish.resolve()
        await until('all to be done', async () => (await attempts('done')) === 3)
        await until('none to be under way', () => underWay() === 0)
        expect(most).toBe(expected)
      },
      concurrency,
    )
  })

  it('logs what Redis answered when it takes nothing, without what that was about', async () => {
    await working(
      async () => undefined,
      async ({ failWith }) => {
        const refusal = new Error(
          "OOM command not allowed when used memory > 'maxmemory'. script: 7f, on user_script:12.",
        )
        expect(failWith(Object.assign(refusal, { name: 'ReplyError' }))).toMatchObject([
          {
            msg: 'worker connection trouble',
            job: 'expire',
            err: {
              type: 'ReplyError',
              message: expect.stringMatching(/^OOM command not allowed when used memory > \[…\]/),
            },
          },
        ])
      },
    )
  })

  it('measures the wait of a job once, before its first attempt, and from when it was due', async () => {
    let runs = 0
    const run = async () => {
      runs += 1
      if (runs === 1) throw new RetryLater(0)
    }
    await working(run, async ({ attempts, waits }) => {
      const options = { delay: 3_600_000 }
      const job = await product.publisher.queues.get('expire')?.add('expire', { unlock_id: 1 }, options)
      // An hour early: it has waited for nothing.
      await job?.promote()
      await until('it to be done', async () => (await attempts('done')) === 1)
      expect(runs).toBe(2)
      expect(await waits()).toEqual([1, 0])
    })
  })
})
