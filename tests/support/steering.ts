import type { Job } from 'bullmq'
import type { JobName, Payload } from '../../src/queues/contract.ts'
import { callbackUrls } from '../../src/sandbox/environment.ts'
import type { Product } from './product.ts'
import { settled } from './settled.ts'
import { until } from './until.ts'

/**
 * Moves the database's clock, which decides everything that has to do with time, forward. It stays there for all that
 * share the product.
 */
export async function moveClock(product: Product, seconds: number): Promise<void> {
  const [row] = await product.rows<{ ahead: string }>(
    'select extract(epoch from app_now() - clock_timestamp()) as ahead',
  )
  const ahead = Math.round(Number(row?.ahead ?? 0)) + seconds
  await product.rows(
    `create or replace function app_now() returns timestamptz language sql stable
     as $$ select clock_timestamp() + interval '${ahead} seconds' $$`,
  )
}

/** Runs now what of a queue waits for its next attempt. */
export async function hurry(product: Product, name: JobName): Promise<void> {
  for (const job of (await product.publisher.queues.get(name)?.getDelayed()) ?? []) {
    try {
      await job.promote()
    } catch (error) {
      // It ran meanwhile, which is all that is wanted.
      if (!/not in the delayed state|Missing key/.test(String(error))) throw error
    }
  }
}

/** Waits for a condition, running what waits for its next attempt again and again. */
export async function hurryUntil(
  product: Product,
  name: JobName,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(what, async () => {
    await hurry(product, name)
    return holds()
  })
}

type Escalation = { kind: string; subject: string; open: boolean }

/** Escalations about an unlock, oldest first. */
export function escalationsOf(product: Product, unlockId: number): Promise<Escalation[]> {
  return product.rows<Escalation>(
    'select kind, subject, resolved_at is null as open from escalations where unlock_id = ? order by id',
    [unlockId],
  )
}

/** Waits until an escalation of a kind about an unlock is open, or, with `open` false, resolved. */
export async function escalated(product: Product, unlockId: number, kind: string, open = true): Promise<void> {
  await until(
    `escalation ${kind} of unlock ${unlockId} to be ${open ? 'open' : 'resolved'}`,
    async () => (await escalationsOf(product, unlockId)).some((one) => one.kind === kind && one.open === open),
    async () => JSON.stringify({ found: await escalationsOf(product, unlockId), ...(await product.unlock(unlockId)) }),
  )
}

/** Kinds of the escalations of an unlock that are open, in order. */
export async function openKinds(product: Product, unlockId: number): Promise<string[]> {
  return (await escalationsOf(product, unlockId)).filter(({ open }) => open).map(({ kind }) => kind)
}

/** The jobs of a queue that wait for a person, once none is at work. */
export async function failedJobs(product: Product, name: JobName): Promise<Job[]> {
  const queue = product.publisher.queues.get(name)
  await until(`no ${name} job to be at work`, async () => (await queue?.getActiveCount()) === 0)
  return (await queue?.getFailed()) ?? []
}

/**
 * Waits until a job has failed for good, and returns it.
 * @param about what its payload names: other tests leave failed jobs of their own behind
 */
export async function failedJob<N extends JobName>(product: Product, name: N, about: Payload<N>): Promise<Job> {
  let found: Job | undefined
  await until(`a failed ${name} job`, async () => {
    const failed = (await product.publisher.queues.get(name)?.getFailed()) ?? []
    found = failed.find(({ data }) => Object.entries(about).every(([field, value]) => data[field] === value))
    return found !== undefined
  })
  if (found === undefined) throw new Error('unreachable')
  return found
}

/** Waits until a transaction of the product waits for a lock. */
export async function somebodyWaits(product: Product): Promise<void> {
  await until('somebody to wait for a lock', async () => {
    const waiting = await product.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return waiting.length > 0
  })
}

/** Has both emulators behave again, whatever a test that failed left behind, and waits until nothing is under way. */
export async function calm(product: Product): Promise<void> {
  for (const switched of [product.textmagic.faults, product.stripe.faults, product.stripe.recordedFaults]) {
    switched.clear()
  }
  const deliveryUrl = callbackUrls(product.url, product.secrets).delivery
  const usual = { receipts: 'auto', receiptBeforeAnswer: false, deliveryDelayMs: 5, rejectFrom: false } as const
  product.textmagic.configure({ ...usual, deliveryUrl })
  product.stripe.setRefundOutcome('succeeded')
  await product.stripe.releaseWebhooks()
  await settled(product)
}
