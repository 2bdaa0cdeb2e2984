import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { Random } from '../support/simulation/random.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

const KILLS = 6

let site: Site

beforeAll(async () => {
  site = await openSite({ workers: [] })
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('a worker killed again and again under load loses nothing and sends nothing twice', {
  timeout: 240_000,
}, async () => {
  const startedAt = performance.now()
  const seed = seedOf()
  const random = new Random(seed)
  const workers: RunningProcess[] = [await site.startWorker('worker-1'), await site.startWorker('worker-2')]
  const crowd = await gather(site, { random, paceMs: 12_000 })
  expect(await crowd.inFlight()).toBeGreaterThanOrEqual(100)
  const inFlight: number[] = []
  for (let kill = 0; kill < KILLS; kill += 1) {
    // A moment that nothing in the product has a say in.
    await delay(random.int(300, 3_000))
    const victim = random.int(0, workers.length - 1)
    inFlight.push(await crowd.inFlight())
    const worker = workers[victim]
    if (worker === undefined) throw new Error('no such worker')
    await site.kill(worker)
    workers[victim] = await site.startWorker(worker.name)
  }
  expect(inFlight[1]).toBeGreaterThan(0)
  await survived(site, crowd, {
    name: 'worker killed',
    seed,
    startedAt,
    notes: () => [`${KILLS} kills, in flight ${inFlight.join(' ')}`],
  })
})
