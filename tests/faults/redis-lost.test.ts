import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random } from '../support/simulation/random.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('FLUSHALL and the loss of Redis with all its data, under load, cost nothing but seconds', {
  timeout: 240_000,
}, async () => {
  const startedAt = performance.now()
  const seed = seedOf()
  const random = new Random(seed)
  const crowd = await gather(site, { random })
  const inFlight = [await crowd.inFlight()]
  expect(inFlight[0]).toBeGreaterThanOrEqual(100)
  await site.redis.flush()
  await delay(random.int(1_000, 4_000))
  inFlight.push(await crowd.inFlight())
  expect(inFlight[1]).toBeGreaterThan(0)
  await site.redis.crash()
  await site.redis.start()
  await survived(site, crowd, { name: 'Redis lost', seed, startedAt, notes: () => [`in flight ${inFlight.join(' ')}`] })
})
