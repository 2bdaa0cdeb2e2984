import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { DETAILS } from '../acceptance/people.ts'
import { checkInvariants } from '../support/invariants.ts'
import { until } from '../support/until.ts'
import { type Buyer, buyerWithLink } from './buyer.ts'
import { openSite, type Site } from './site.ts'

const STEP_MS = 90_000
/** Longer than BullMQ's lock on a job and a claim's lease: what the worker had is taken over. */
const TAKEN_FOR_DEAD_MS = 35_000

let site: Site
let worker: RunningProcess

beforeAll(async () => {
  site = await openSite({ workers: [] })
}, 120_000)
afterAll(() => site?.close(), 60_000)

const SENDS = { method: 'POST', path: '/api/v2/messages' } as const

/** Two buyers pay, and their reveals are at a gateway that never answers: it took the one, and not the other. */
async function revealsUnderWay(numbers: readonly [number, number]): Promise<Buyer[]> {
  const kinds: FaultKind[] = ['hang', 'accept_then_hang']
  const buyers: Buyer[] = []
  // Later than what is asked below: a receipt alone would tell that the text was accepted.
  site.textmagic.configure({ deliveryDelayMs: 15_000 })
  for (const number of numbers) buyers.push(await buyerWithLink(site, number))
  for (const [index, buyer] of buyers.entries()) {
    const kind = kinds[index]
    if (kind === undefined) throw new Error('more buyers than faults')
    site.textmagic.faults.add({ ...SENDS, kind, times: 1 })
    await site.stripe.payLink(buyer.url)
    await until('the reveal to be at the gateway', () => site.textmagic.faults.list().length === 0, undefined, STEP_MS)
  }
  const statuses = await site.rows<{ status: string; message: string }>(
    `select u.status, m.status as message from lead_unlocks u join outbound_messages m on m.unlock_id = u.id
     where m.purpose = 'reveal' and u.id in (${buyers.map(({ unlockId }) => unlockId).join(',')})`,
  )
  expect(statuses).toEqual(buyers.map(() => ({ status: 'PAID', message: 'sending' })))
  return buyers
}

async function areRevealedOnce(buyers: readonly Buyer[]): Promise<void> {
  const done = async () => {
    const answers = await Promise.all(buyers.map(({ unlockId }) => site.api('GET', `/api/unlocks/${unlockId}`)))
    return answers.map(({ body }) => body.unlock.status)
  }
  const holds = async () => (await done()).every((status) => status === 'DONE')
  await until('the unlocks to be done', holds, async () => JSON.stringify(await done()), STEP_MS)
  for (const { phone } of buyers) {
    const details = site.textmagic.messages().filter((one) => one.phone === phone && DETAILS.test(one.text))
    expect(details).toHaveLength(1)
  }
  await checkInvariants(site)
}

test('paid but never revealed: the process died between marking paid and sending', { timeout: 180_000 }, async () => {
  worker = await site.startWorker('worker-1')
  const buyers = await revealsUnderWay([1, 2])
  await site.kill(worker)
  worker = await site.startWorker('worker-1')
  await areRevealedOnce(buyers)
  await worker.stop()
})

test('two workers with the same reveal: one that was paused in the middle of the call, and was not dead', {
  timeout: 180_000,
}, async () => {
  worker = await site.startWorker('worker-1')
  const buyers = await revealsUnderWay([3, 4])
  process.kill(worker.pid, 'SIGSTOP')
  const other = await site.startWorker('worker-2')
  try {
    await delay(TAKEN_FOR_DEAD_MS)
    await areRevealedOnce(buyers)
  } finally {
    process.kill(worker.pid, 'SIGCONT')
  }
  // Back again, the first learns that its call came to nothing, and has nothing to say any more.
  await Promise.all([worker.stop(), other.stop()])
  await areRevealedOnce(buyers)
})
