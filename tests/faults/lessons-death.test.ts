import { afterAll, beforeAll, test } from 'vitest'
import { areRevealedOnce, revealsUnderWay } from './reveals-under-way.ts'
import { openSite, type Site } from './site.ts'

let site: Site

beforeAll(async () => {
  site = await openSite({ workers: [] })
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('paid but never revealed: the process died between marking paid and sending', { timeout: 180_000 }, async () => {
  const worker = await site.startWorker('worker-1')
  const buyers = await revealsUnderWay(site)
  await site.kill(worker)
  await site.startWorker('worker-1')
  await areRevealedOnce(site, buyers)
})
