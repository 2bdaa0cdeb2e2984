import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random } from '../support/simulation/random.ts'
import { until } from '../support/until.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'
import { postWebhooks } from './webhooks.ts'

const AWAY_MS = 10_000
const HUNG_MS = 5_000
/** Somebody has an answer to give all that time. */
const PACE_MS = AWAY_MS + HUNG_MS + 5_000
/** What gateways give a webhook at least; an answer waits for Redis for two seconds at most. */
const QUICK_MS = 10_000

let site: Site

beforeAll(async () => {
  site = await openSite()
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('FLUSHALL, the loss of Redis, a Redis that hangs and 10 s without one cost seconds: webhooks are answered 200, quickly, and nothing is lost', {
  timeout: 240_000,
}, async () => {
  const startedAt = performance.now()
  const seed = seedOf()
  const random = new Random(seed)
  const crowd = await gather(site, { random, paceMs: PACE_MS })
  const inFlight = [await crowd.inFlight()]
  expect(inFlight[0]).toBeGreaterThanOrEqual(100)
  const webhooks = postWebhooks(site)
  await site.redis.flush()
  await delay(random.int(1_000, 3_000))
  inFlight.push(await crowd.inFlight())
  await site.redis.crash()
  await site.redis.start()
  await delay(random.int(1_000, 3_000))
  inFlight.push(await crowd.inFlight())
  process.kill(site.redis.pid(), 'SIGSTOP')
  await delay(HUNG_MS)
  process.kill(site.redis.pid(), 'SIGCONT')
  await site.redis.crash()
  await delay(AWAY_MS)
  const answers = await webhooks.stop()
  inFlight.push(await crowd.inFlight())
  await site.redis.start()

  expect(Math.min(...inFlight)).toBeGreaterThan(0)
  expect(answers.length).toBeGreaterThan(20)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  expect(slowest).toBeLessThan(QUICK_MS)
  // The emulated gateways were answered as well as these.
  expect(site.textmagic.callbacks().filter(({ status }) => status !== 200)).toEqual([])
  const attempts = site.stripe.events().flatMap((event) => event.attempts)
  expect(attempts.filter(({ status }) => status !== 200)).toEqual([])
  const texts = answers.flatMap(({ text }) => text ?? [])
  const forwarded = () => new Set(site.forwarded.map(({ body }) => /"text":"(.+?)"/.exec(body)?.[1]))
  await until('every text to be forwarded', () => texts.every((text) => forwarded().has(text)), undefined, 60_000)
  await survived(site, crowd, {
    name: 'Redis lost and away',
    seed,
    startedAt,
    notes: () => [
      `in flight ${inFlight.join(' ')}`,
      `${answers.length} webhooks answered 200, the slowest in ${Math.round(slowest)} ms`,
    ],
  })
})
