import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { Random } from '../support/simulation/random.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

/** Longer than a claim's lease, BullMQ's lock on a job and any lock wait: everything the worker had is taken over. */
const PAUSE_MS = 40_000

let site: Site
let worker: RunningProcess

beforeAll(async () => {
  site = await openSite({ workers: ['worker-2'] })
  worker = await site.startWorker('worker-1')
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('a worker that was paused and taken for dead goes on without doing anything twice', {
  timeout: 300_000,
}, async () => {
  const startedAt = performance.now()
  const seed = seedOf()
  const random = new Random(seed)
  const crowd = await gather(site, { random })
  const inFlight = await crowd.inFlight()
  expect(inFlight).toBeGreaterThanOrEqual(100)
  await delay(random.int(0, 3_000))
  process.kill(worker.pid, 'SIGSTOP')
  try {
    await delay(PAUSE_MS)
  } finally {
    process.kill(worker.pid, 'SIGCONT')
  }
  await survived(site, crowd, { name: 'worker paused', seed, startedAt, notes: () => [`in flight ${inFlight}`] })
})
