import { Redis } from 'ioredis'
import { describe, it, type TestContext } from 'vitest'
import { SEND_CLASSES } from '../../src/domain/outbound.ts'
import { createSendLimit } from '../../src/gateways/send-limit.ts'
import { type ProductOptions, startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'

/** What docs/going-live.md promises, milliseconds. */
const STOPS_WITHIN = 40_000

async function start({ onTestFinished }: TestContext, options: ProductOptions = {}) {
  const product = await startProduct(options)
  onTestFinished(() => product.close())
  return product
}

describe.concurrent('a worker that stops', () => {
  it('takes no job while its recurring work waits for a gateway', async (test) => {
    const product = await start(test, { workers: false })
    product.stripe.faults.add({ kind: 'slow', delay_ms: 3_000, times: null })
    await product.startMoreWorkers()
    const stopped = product.stopWorkers()
    const { unlocks } = await product.offer(['provider60'])
    await stopped
    test.expect(product.inboxOf('provider60')).toEqual([])
    product.stripe.faults.clear()
    await product.startMoreWorkers()
    await product.reaches(unlocks.provider60 ?? 0, 'AWAIT_CONFIRM')
  })

  it('has jobs that wait for their turn to send come back, which costs them no attempt', async (test) => {
    const product = await start(test, { env: { TEXTMAGIC_RATE_PER_SECOND: '1' } })
    const redis = new Redis(product.config.redisUrl)
    test.onTestFinished(() => redis.disconnect())
    const prefix = product.redisPrefix
    const others = createSendLimit({ redis, prefix, perSecond: 1, maxWaitMs: 60_000 })
    // Reveals of other workers, all of which go first.
    const reveals = Array.from({ length: 40 }, () => others.acquire('reveal'))
    const offered = product.offer(['provider60', 'provider61'])
    const firstTeaser = SEND_CLASSES.indexOf('teaser') * 2 ** 40
    await until(
      'the teasers to wait',
      async () => (await redis.zcount(`${prefix}:send-limit:queue`, firstTeaser, '+inf')) >= 2,
    )
    await product.stopWorkers()
    await others.close()
    await Promise.allSettled(reveals)
    const jobs = (await product.publisher.queues.get('send-teaser')?.getJobs(['waiting', 'delayed'])) ?? []
    const begun = jobs.filter(({ attemptsStarted }) => attemptsStarted > 0)
    test.expect(begun.length).toBeGreaterThanOrEqual(2)
    test.expect(new Set(begun.map(({ attemptsMade }) => attemptsMade))).toEqual(new Set([0]))
    await product.startMoreWorkers()
    await offered
  })

  it('does not first ask about every link that is open', { timeout: 120_000 }, async (test) => {
    const product = await start(test)
    const backfill = product.publisher.queues.get('backfill')
    const runs = () => product.stripe.requestLog().filter(({ path }) => path === '/v1/events').length
    await until('its first runs', async () => runs() >= 2 && (await backfill?.getActiveCount()) === 0)
    await product.rows(
      `with numbers as (select 'lead_' || lpad(i::text, 8, '0') as lead_id from generate_series(1, 100) i),
         posted as (insert into leads (id, city, service_type, client_name, client_phone)
           select lead_id, 'Miami', 'Massage', 'sealed', 'sealed' from numbers),
         offered as (insert into lead_unlocks (lead_id, provider_id, status, price_cents, currency, ttl_expires_at)
           select lead_id, 'provider60', 'AWAITING_PAYMENT', 2000, 'usd', app_now() + interval '1 day' from numbers
           returning id)
       insert into payment_links (unlock_id, generation, stripe_id, url)
         select id, 1, 'plink_' || id, 'https://pay.example' from offered`,
    )
    product.stripe.faults.add({ kind: 'slow', delay_ms: 1_000, times: null })
    await backfill?.add('backfill', {})
    await until('a link to be asked about', () => runs() >= 3)
    const since = performance.now()
    await product.stopWorkers()
    test.expect(performance.now() - since).toBeLessThan(STOPS_WITHIN)
  })

  it('ends in order while Stripe does not answer', async (test) => {
    const product = await start(test)
    await product.offer(['provider60'])
    product.stripe.faults.add({ kind: 'hang', times: null })
    await product.text('provider60', 'Y')
    await until('Stripe to be asked', async () => {
      const active = await product.publisher.queues.get('create-payment-link')?.getActiveCount()
      return active === 1
    })
    const since = performance.now()
    await product.stopWorkers()
    test.expect(performance.now() - since).toBeLessThan(STOPS_WITHIN)
  })
})
