import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, test } from 'vitest'
import { areRevealedOnce, revealsUnderWay } from './reveals-under-way.ts'
import { openSite, type Site } from './site.ts'

/** Longer than BullMQ's lock on a job and a claim's lease: what the worker had is taken over. */
const TAKEN_FOR_DEAD_MS = 35_000

let site: Site

beforeAll(async () => {
  site = await openSite({ workers: [] })
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('paid but never revealed: the process died between marking paid and sending', { timeout: 180_000 }, async () => {
  const worker = await site.startWorker('worker-1')
  const buyers = await revealsUnderWay(site)
  await site.kill(worker)
  const next = await site.startWorker('worker-2')
  await areRevealedOnce(site, buyers)
  await next.stop()
})

test('two workers with the same reveal: one that was paused in the middle of the call, and was not dead', {
  timeout: 180_000,
}, async () => {
  const worker = await site.startWorker('worker-3')
  const buyers = await revealsUnderWay(site)
  process.kill(worker.pid, 'SIGSTOP')
  const other = await site.startWorker('worker-4')
  try {
    await delay(TAKEN_FOR_DEAD_MS)
    await areRevealedOnce(site, buyers)
  } finally {
    process.kill(worker.pid, 'SIGCONT')
  }
  // Back again, the first learns that its call came to nothing, and has nothing to say any more.
  await Promise.all([worker.stop(), other.stop()])
  await areRevealedOnce(site, buyers)
})
