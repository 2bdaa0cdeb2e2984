import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sizes } from '../figure.ts'
import { saturate } from '../load.ts'
import { inboundSms, stripeEvent } from '../posts.ts'
import { type Figure, judged } from '../report.ts'
import type { Site } from '../site.ts'

/** Who texts: what one person sends is handled one after the other. */
const SENDERS = 100
const WITHIN_MS = 1_800_000
const POLL_MS = 200
/** Memory after garbage was collected is the least of what is seen over some seconds of rest. */
const REST_SAMPLES = 15

/** Resident memory of the API and a worker after many jobs, against after some. */
export async function memoryFigures(site: Site, sizes: Sizes): Promise<Figure[]> {
  const worker = await site.startWorker('worker-memory')
  const [some, many] = sizes.jobs
  await work(site, some)
  const before = await resident([site.api.pid, worker.pid])
  await work(site, many - some)
  const after = await resident([site.api.pid, worker.pid])
  await site.stop(worker)
  return ['API', 'worker'].map((name, index) => {
    const [then, now] = [before[index] ?? Number.NaN, after[index] ?? Number.NaN]
    const value = `${now.toFixed(0)} MB after ${many} jobs`
    return {
      figure: `memory of the ${name}`,
      value,
      against: `${then.toFixed(0)} MB after ${some}`,
      ...judged(now / then, '≤', 1.1),
    }
  })
}

/** Half of the webhooks are texts that we answer, half are events of Stripe's. */
async function work(site: Site, jobs: number): Promise<void> {
  const { textmagicWebhookToken, stripeWebhookSecret } = site.secrets
  await saturate(site.apiUrl, jobs, (index) =>
    index % 2 === 0
      ? inboundSms(textmagicWebhookToken, senderOf(index), 'HELP')
      : stripeEvent(stripeWebhookSecret, 'customer.created', { id: 'cus_1' }),
  )
  const deadline = performance.now() + WITHIN_MS
  while ((await waiting(site)) > 0) {
    if (performance.now() > deadline) throw new Error('the worker did not get through its jobs in time')
    await delay(POLL_MS)
  }
}

function senderOf(index: number): string {
  return `121255501${String((index / 2) % SENDERS).padStart(2, '0')}`
}

async function waiting(site: Site): Promise<number> {
  const { rows } = await site.database.query<{ count: number }>(
    `select (select count(*) from webhook_inbox where status in ('received', 'forwarding'))::int
       + (select count(*) from outbound_messages where status in ('pending', 'sending', 'unknown'))::int as count`,
  )
  return rows[0]?.count ?? 0
}

/** @returns megabytes of each process */
async function resident(pids: readonly number[]): Promise<number[]> {
  const least = pids.map(() => Number.POSITIVE_INFINITY)
  for (let sample = 0; sample < REST_SAMPLES; sample += 1) {
    pids.forEach((pid, index) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
      least[index] = Math.min(least[index] ?? kilobytes, kilobytes / 1024)
    })
    await delay(POLL_MS)
  }
  return least
}
