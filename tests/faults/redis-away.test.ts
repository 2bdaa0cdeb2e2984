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
/** What gateways give a webhook at least; an answer waits for Redis for two seconds at most. */
const QUICK_MS = 10_000

let site: Site

beforeAll(async () => {
  site = await openSite()
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('webhooks that come in while Redis hangs, and during 10 s without it, are answered 200, quickly, and nothing of them is lost', {
  timeout: 240_000,
}, async () => {
  const startedAt = performance.now()
  const seed = seedOf()
  const random = new Random(seed)
  const crowd = await gather(site, { random, paceMs: HUNG_MS + AWAY_MS })
  const inFlight = await crowd.inFlight()
  expect(inFlight).toBeGreaterThanOrEqual(100)
  const webhooks = postWebhooks(site)
  process.kill(site.redis.pid(), 'SIGSTOP')
  await delay(HUNG_MS)
  process.kill(site.redis.pid(), 'SIGCONT')
  await site.redis.crash()
  await delay(AWAY_MS)
  const answers = await webhooks.stop()
  await site.redis.start()

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
    name: 'Redis away',
    seed,
    startedAt,
    notes: () => [
      `in flight ${inFlight}`,
      `${answers.length} webhooks answered 200, the slowest in ${Math.round(slowest)} ms`,
    ],
  })
})
