import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import type { SentMessage } from '../../src/sandbox/textmagic/types.ts'
import { Random } from '../support/simulation/random.ts'
import { SURVIVED_WITHIN_MS, survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

/** Longer than a claim's lease, BullMQ's lock on a job and any lock wait: everything the worker had is taken over. */
const PAUSE_MS = 40_000
/** A worker that goes on in the middle of a write has written within this, milliseconds. */
const WRITES_WITHIN_MS = 2_000

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
  const resumedAt = Date.now()
  await crowd.done(SURVIVED_WITHIN_MS)
  const { messages } = site.textmagic
  site.textmagic.messages = () => butTheOneBeingWritten(messages(), resumedAt)
  await survived(site, crowd, { name: 'worker paused', seed, startedAt, notes: () => [`in flight ${inFlight}`] })
})

/**
 * Nothing on our side closes the moment between the last look at a claim and the write that follows in the same turn (decision
 * 002): a worker stopped right there writes when it goes on, what was sent by another meanwhile. That may be one text.
 */
function butTheOneBeingWritten(messages: readonly SentMessage[], resumedAt: number): readonly SentMessage[] {
  const sent = new Set<string | null>()
  const repeated = messages.filter(({ referenceId }) => sent.size === sent.add(referenceId).size)
  const written = repeated.find(({ acceptedAt }) => {
    const afterMs = Date.parse(acceptedAt) - resumedAt
    return afterMs >= 0 && afterMs <= WRITES_WITHIN_MS
  })
  return messages.filter((message) => message !== written)
}
