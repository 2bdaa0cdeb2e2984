import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { JobName } from '../../src/queues/contract.ts'
import { type Publisher, RedisAwayError } from '../../src/queues/publisher.ts'
import { type Consumption, createConsumption } from '../../src/workers/health/consumption.ts'
import { readScrape, type Scrape } from '../support/figures.ts'
import { type Json, type Product, startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product
beforeAll(async () => {
  product = await startProduct({ env: { WORKER_PORT: '0', METRICS_TOKEN: 'metrics-token' }, workers: false })
})
afterAll(() => product.close())

type Asked = (path: string) => Promise<{ status: number; body: Json }>

/** A worker, what it answers, and what it has measured. */
async function startWorker(): Promise<{ ask: Asked; scrape(): Promise<Scrape>; close(): Promise<void> }> {
  const workers = await product.startMoreWorkers()
  const get = (path: string) =>
    fetch(`http://127.0.0.1:${workers.port}${path}`, { headers: { authorization: 'Bearer metrics-token' } })
  return {
    async ask(path) {
      const response = await get(path)
      return { status: response.status, body: await response.json() }
    },
    scrape: async () => readScrape(await (await get('/metrics')).text()),
    close: () => workers.close(),
  }
}

describe('a worker that listens', () => {
  it('shows what it did: jobs, calls to gateways, the time from paid to revealed, and that it sweeps', async () => {
    const worker = await startWorker()
    onTestFinished(() => worker.close())
    product.textmagic.faults.add({ kind: 'status', status: 429, path: '/api/v2/messages', times: 1 })
    const { unlocks } = await product.offer(['provider60'])
    const id = unlocks.provider60 ?? 0
    await product.text('provider60', 'Y')
    await product.stripe.payLink(await product.linkOf('provider60'))
    await product.reaches(id, 'DONE')

    const revealed = 'lead_unlock_paid_to_revealed_seconds_count'
    await until('the reveal to be measured', async () => (await worker.scrape()).value(revealed) === 1)
    const { value, samples } = await worker.scrape()
    const jobs = (queue: JobName, outcome: string) => value('lead_unlock_jobs_total', { queue, outcome }) ?? 0
    expect(jobs('reveal', 'done')).toBeGreaterThan(0)
    expect(jobs('send-teaser', 'failed')).toBeGreaterThan(0)
    expect(jobs('send-teaser', 'done')).toBeGreaterThan(0)
    for (const queue of ['reveal', 'handle-payment'] as const) {
      expect(value('lead_unlock_job_duration_seconds_count', { queue })).toBeGreaterThan(0)
      expect(value('lead_unlock_job_wait_seconds_count', { queue })).toBeGreaterThan(0)
    }
    const calls = (gateway: string, operation: string, outcome: string) =>
      value('lead_unlock_gateway_calls_total', { gateway, operation, outcome }) ?? 0
    expect(calls('textmagic', 'send', 'rate_limited')).toBe(1)
    // Teaser, link and reveal.
    expect(calls('textmagic', 'send', 'ok')).toBe(3)
    expect(calls('stripe', 'create_payment_link', 'ok')).toBe(1)
    expect(value('lead_unlock_send_limit_wait_seconds_count', { send_class: 'reveal', granted: 'true' })).toBe(1)
    const swept = ({ value }: Scrape) =>
      value('lead_unlock_recurring_last_finished_timestamp_seconds', { work: 'sweep' }) ?? 0
    const before = swept(await worker.scrape())
    await until('another sweep', async () => swept(await worker.scrape()) > before)
    await until(
      'it to say that it consumes',
      async () => (await worker.scrape()).value('lead_unlock_worker_consuming') === 1,
    )
    expect(value('process_start_time_seconds')).toBeGreaterThan(0)
    expect([...samples.keys()].find((key) => key.startsWith('lead_unlock_build_info'))).toContain('role="worker"')
  })

  it('logs each call to a gateway by the request that caused it', async () => {
    const worker = await startWorker()
    onTestFinished(() => worker.close())
    product.log.length = 0
    await product.text('provider61', 'help')
    const calls = () => product.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'gateway called')
    const answers = () => calls().filter(({ job }) => job === 'send-notice')
    await until('the answer', () => answers().length > 0)
    const [stored] = await product.rows<{ request_id: string }>(
      `select request_id from webhook_inbox where source = 'textmagic' order by id desc limit 1`,
    )
    expect(answers()).toMatchObject([{ operation: 'textmagic send', outcome: 'ok', request_id: stored?.request_id }])
  })

  it('is alive, ready and consuming; then it does not listen any more', async () => {
    const worker = await startWorker()
    expect(await worker.ask('/healthz')).toEqual({ status: 200, body: { status: 'alive' } })
    expect(await worker.ask('/readyz?probe=1')).toEqual({
      status: 200,
      body: { status: 'ready', checks: { database: 'ok', migrations: 'ok', redis: 'ok', worker: 'ok' } },
    })
    expect(await worker.ask('/consuming')).toEqual({ status: 200, body: { status: 'consuming' } })
    expect((await worker.ask('/elsewhere')).status).toBe(404)
    expect((await worker.ask('/toString')).status).toBe(404)
    await worker.close()
    await expect(worker.ask('/healthz')).rejects.toThrow()
  })
})

describe('a worker that leaves jobs alone', () => {
  const MINUTE = 60_000
  let later = 0
  beforeEach(() => {
    later = 0
  })
  afterEach(async () => {
    for (const queue of product.publisher.queues.values()) {
      await queue.resume()
      await queue.obliterate({ force: true })
    }
  })

  /** What a worker would say that takes none of these queues' jobs, and may leave them alone for five minutes. */
  function neglecting(queues: JobName[], publisher: Pick<Publisher, 'queues' | 'isReachable'> = product.publisher) {
    const clock = { elapsed: () => performance.now() + later, now: () => Date.now() + later }
    return createConsumption({ publisher, queues, limitMs: 5 * MINUTE, secondLookMs: 1, clock })
  }
  const stuck = async (consumption: Consumption) =>
    (await consumption.stuckQueues()).map(({ queue, waiting }) => [queue, waiting])
  const publish = (...ids: number[]) =>
    product.publisher.publish(ids.map((id) => ({ job: 'alert', escalation_id: id }) as const))

  it('is stuck once they have waited for long and it has touched none, until it touches one', async () => {
    const consumption = neglecting(['alert', 'reveal'])
    await publish(1, 2)
    expect(await stuck(consumption)).toEqual([])
    later = 6 * MINUTE
    expect(await stuck(consumption)).toEqual([['alert', 2]])
    consumption.touched('alert')
    expect(await stuck(consumption)).toEqual([])
  })

  it('is not stuck when it has had nothing to do for hours and jobs come in', async () => {
    const consumption = neglecting(['alert'])
    later = 180 * MINUTE
    await product.publisher.queues.get('alert')?.add('alert', { escalation_id: 1 }, { timestamp: Date.now() + later })
    expect(await stuck(consumption)).toEqual([])
    later += 6 * MINUTE
    expect(await stuck(consumption)).toEqual([['alert', 1]])
  })

  it('is not stuck while jobs are not due, or while somebody has paused the queue', async () => {
    const consumption = neglecting(['alert', 'expire'])
    await publish(1)
    await product.publisher.publish([{ job: 'expire', unlock_id: 1 }], { delayMs: 24 * 60 * MINUTE })
    await product.publisher.queues.get('alert')?.pause()
    later = 6 * MINUTE
    expect(await stuck(consumption)).toEqual([])
    await product.publisher.queues.get('alert')?.resume()
    expect(await stuck(consumption)).toEqual([['alert', 1]])
  })

  it('is not stuck when another worker takes the jobs', async () => {
    let looks = 0
    const publisher = {
      queues: product.publisher.queues,
      // Between the two looks the oldest job is taken, and the next one is the oldest.
      async isReachable() {
        looks += 1
        if (looks === 2) await (await product.publisher.queues.get('alert')?.getWaiting(0, 0))?.[0]?.remove()
        return true
      },
    }
    const consumption = neglecting(['alert'], publisher)
    await publish(1, 2)
    later = 6 * MINUTE
    expect(await stuck(consumption)).toEqual([])
    expect(looks).toBe(2)
    expect(await stuck(consumption)).toEqual([['alert', 1]])
  })

  it('cannot tell while Redis is away', async () => {
    const consumption = neglecting(['alert'], { queues: product.publisher.queues, isReachable: async () => false })
    await expect(consumption.stuckQueues()).rejects.toThrow(RedisAwayError)
  })
})
