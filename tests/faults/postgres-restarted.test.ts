import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random } from '../support/simulation/random.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

const RESTARTS = 2

let site: Site

beforeAll(async () => {
  // A callback that is not answered 200 is never repeated: what came meanwhile has to be asked for.
  site = await openSite({ env: { BACKFILL_MINUTES: '0.1' } })
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('Postgres restarted in immediate mode, twice under load, loses nothing that was answered 200', {
  timeout: 240_000,
}, async () => {
  const startedAt = performance.now()
  const seed = seedOf()
  const random = new Random(seed)
  const crowd = await gather(site, { random, withInsistence: false })
  const inFlight: number[] = []
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    inFlight.push(await crowd.inFlight())
    await site.postgres.restart('immediate')
    await delay(random.int(2_000, 4_000))
  }
  expect(inFlight[0]).toBeGreaterThanOrEqual(100)
  const refused = site.textmagic.callbacks().filter(({ status }) => status !== 200).length
  await survived(site, crowd, {
    name: 'Postgres restarted',
    seed,
    startedAt,
    notes: () => [`in flight ${inFlight.join(' ')}`, `callbacks not answered 200: ${refused}`],
  })
})
