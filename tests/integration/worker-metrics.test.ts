import { Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type JobName, jobs } from '../../src/queues/contract.ts'
import { type Publisher, RedisAwayError } from '../../src/queues/publisher.ts'
import { type Consumption, createConsumption } from '../../src/workers/health/consumption.ts'
import { listenForHealth } from '../../src/workers/health/listen.ts'
import { readScrape, type Scrape } from '../support/figures.ts'
import { type Json, type Product, startProduct } from '../support/product.ts'
import { newProvider, type TestProvider } from '../support/provider.ts'
import { withServices } from '../support/services.ts'
import { until } from '../support/until.ts'

let product: Product
beforeAll(async () => {
  product = await startProduct({ env: { WORKER_PORT: '0', METRICS_TOKEN: 'metrics-token' }, workers: false })
})
afterAll(() => product.close())

/** A worker, what it answers, and what it has measured. */
async function startWorker() {
  const workers = await product.startMoreWorkers()
  const get = (path: string, key = 'metrics-token') =>
    fetch(`http://127.0.0.1:${workers.port}${path}`, { headers: { authorization: `Bearer ${key}` } })
  return {
    get,
    async ask(path: string): Promise<{ status: number; body: Json }> {
      const response = await get(path)
      return { status: response.status, body: await response.json() }
    },
    scrape: async (): Promise<Scrape> => readScrape(await (await get('/metrics')).text()),
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
    // Another slot is taken where Postgres held the first one up.
    expect(
      value('lead_unlock_send_limit_wait_seconds_count', { send_class: 'reveal', granted: 'true' }),
    ).toBeGreaterThan(0)
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

  it('shows what the carrier made of texts: delivered, lost, or blocked because the receiver said so', async () => {
    const worker = await startWorker()
    onTestFinished(() => worker.close())
    const { messages, deliver } = product.textmagic
    product.textmagic.configure({ receipts: 'manual' })
    onTestFinished(() => product.textmagic.configure({ receipts: 'auto' }))
    const before = await worker.scrape()
    const [reached, lost, blocked] = [
      await newProvider(product),
      await newProvider(product),
      await newProvider(product),
    ]
    for (const provider of [reached, lost, blocked]) await provider.hasTeaser()
    const teaserTo = ({ phone }: TestProvider) => messages().find((message) => message.phone === phone)?.id ?? 0
    const counted = ({ value }: Scrape) =>
      (['delivered', 'undelivered', 'unsubscribed'] as const).map(
        (outcome) => value('lead_unlock_deliveries_total', { purpose: 'teaser', outcome }) ?? 0,
      )
    const since = async () => {
      const was = counted(before)
      return counted(await worker.scrape()).map((count, index) => count - (was[index] ?? 0))
    }
    await deliver(teaserTo(reached), 'd')
    await deliver(teaserTo(lost), 'f')
    await deliver(teaserTo(lost), 'f')
    await deliver(teaserTo(lost), 'u')
    await deliver(teaserTo(blocked), 'j', 'g')
    const areCounted = async (delivered: number) => {
      const waiting = await product.rows(
        `select from webhook_inbox where source = 'textmagic_delivery' and status = 'received'`,
      )
      // Receipts of earlier tests may arrive late: automatic ones say that a text was delivered.
      const [arrived = 0, ...others] = await since()
      return waiting.length === 0 && arrived >= delivered && others.every((count) => count === 1)
    }
    await until('each to be counted once', () => areCounted(1))
    // A later word that differs counts as well.
    await deliver(teaserTo(lost), 'd')
    await until('the other word', () => areCounted(2))
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

  it('is alive, ready and consuming, and shows its figures to those who have a key; then it does not listen any more', async () => {
    const worker = await startWorker()
    expect(await worker.ask('/healthz')).toEqual({ status: 200, body: { status: 'alive' } })
    expect(await worker.ask('/readyz?probe=1')).toEqual({
      status: 200,
      body: { status: 'ready', checks: { database: 'ok', migrations: 'ok', redis: 'ok', worker: 'ok' } },
    })
    expect(await worker.ask('/consuming')).toEqual({ status: 200, body: { status: 'consuming' } })
    expect((await worker.ask('/elsewhere')).status).toBe(404)
    expect((await worker.ask('/toString')).status).toBe(404)
    const { adminApiKey, operatorApiKey } = product.secrets
    const keys = ['metrics-token', adminApiKey, operatorApiKey, 'wrong']
    const answers = await Promise.all(keys.map((key) => worker.get('/metrics', key)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401])
    await worker.close()
    await expect(worker.ask('/healthz')).rejects.toThrow()
  })
})

it('a worker that is stuck and takes no jobs says so in its figures as well, and is not ready', async () => {
  const consumption: Consumption = {
    touched: () => undefined,
    stuckQueues: async () => [{ queue: 'reveal', waiting: 1, oldestSeconds: 400, untouchedSeconds: 500 }],
  }
  await withServices(product, async (services) => {
    const health = await listenForHealth(product.config, { port: 0, services, consumption, isWorking: () => false })
    try {
      const get = (path: string) =>
        fetch(`http://127.0.0.1:${health.port}${path}`, { headers: { authorization: 'Bearer metrics-token' } })
      expect((await get('/consuming')).status).toBe(503)
      expect(readScrape(await (await get('/metrics')).text()).value('lead_unlock_worker_consuming')).toBe(0)
      expect((await get('/readyz')).status).toBe(503)
    } finally {
      await health.close()
    }
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
  function neglecting(
    queues: JobName[],
    publisher: Pick<Publisher, 'queues' | 'isReachable'> = product.publisher,
    secondLookMs = 1,
  ) {
    const clock = { elapsed: () => performance.now() + later, now: () => Date.now() + later }
    return createConsumption({ publisher, queues, limitMs: 5 * MINUTE, secondLookMs, clock })
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
    // To 50 seconds.
    const about = (minutes: number) => expect.closeTo(minutes * 60, -2)
    expect(await consumption.stuckQueues()).toEqual([
      { queue: 'alert', waiting: 1, oldestSeconds: about(6), untouchedSeconds: about(186) },
    ])
  })

  it('is not stuck when a job has just become due, however long ago it was enqueued', async () => {
    const consumption = neglecting(['alert'])
    const alerts = product.publisher.queues.get('alert')
    const job = await alerts?.add('alert', { escalation_id: 1 }, { delay: 24 * 60 * MINUTE })
    await job?.promote()
    later = (24 * 60 + 4) * MINUTE
    expect(await stuck(consumption)).toEqual([])
    later += 2 * MINUTE
    expect(await stuck(consumption)).toEqual([['alert', 1]])
  })

  it('is not stuck when a job was put off by an attempt that failed, however long ago it was enqueued', async () => {
    const consumption = neglecting(['alert'])
    const alerts = product.publisher.queues.get('alert')
    await alerts?.add('alert', { escalation_id: 1 }, { timestamp: Date.now() - 24 * 60 * MINUTE })
    const other = new Worker('alert', null, {
      connection: { url: product.config.redisUrl },
      prefix: product.redisPrefix,
      skipVersionCheck: true,
    })
    onTestFinished(() => other.close())
    const job = await other.getNextJob('token')
    await job?.moveToDelayed(Date.now() + jobs.alert.backoff.maxMs, 'token')
    await job?.promote()
    later = jobs.alert.backoff.maxMs + 4 * MINUTE
    expect(await stuck(consumption)).toEqual([])
    later += 2 * MINUTE
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

  it('is not stuck when another worker takes the jobs: it is looked at twice, some time apart', async () => {
    const SECOND_LOOK_MS = 50
    const lookedAt: number[] = []
    const publisher = {
      queues: product.publisher.queues,
      // Between the two looks the oldest job is taken, and the next one is the oldest.
      async isReachable() {
        lookedAt.push(performance.now())
        if (lookedAt.length === 2) await (await product.publisher.queues.get('alert')?.getWaiting(0, 0))?.[0]?.remove()
        return true
      },
    }
    const consumption = neglecting(['alert'], publisher, SECOND_LOOK_MS)
    await publish(1, 2)
    later = 6 * MINUTE
    expect(await stuck(consumption)).toEqual([])
    const [first = 0, second = 0, ...more] = lookedAt
    // A timer may come some microseconds early.
    expect(second - first).toBeGreaterThan(SECOND_LOOK_MS - 2)
    expect(more).toEqual([])
    expect(await stuck(consumption)).toEqual([['alert', 1]])
  })

  it('cannot tell while Redis is away', async () => {
    const consumption = neglecting(['alert'], { queues: product.publisher.queues, isReachable: async () => false })
    await expect(consumption.stuckQueues()).rejects.toThrow(RedisAwayError)
  })
})
