import { bankDecides } from './actions-money.ts'
import { backfill, carrierSpeaks, sweep } from './actions-operations.ts'
import { endSuspensions, pass } from './actions-time.ts'
import { checkStep } from './invariants.ts'
import { checkAtRest, checkSoon } from './invariants-at-rest.ts'
import { runJob } from './jobs.ts'
import { collectEvents, deliver } from './mail.ts'
import { UNDISTURBED } from './tasks.ts'
import type { World } from './world.ts'

const HOUR = 3_600_000

/** The sweep waits up to 32 minutes between two looks at a row, and calls a person after a few of them. */
const SOON_MS = 6 * HOUR
/** Past the TTL of every lead. */
const LATER_MS = 80 * HOUR
/** More jobs than anything here could need at one moment: one that runs for ever is a bug. */
const MAX_JOBS = 400

/** Nothing goes wrong any more: everything under way comes to its end, by itself or after a person's retry. */
export async function drain(world: World): Promise<void> {
  world.calm = true
  world.network.calm()
  world.queues.away = false
  world.queues.faultRate = 0
  world.stripe.actions.setRefundOutcome('succeeded')
  world.steps.push('-- from here on everything works')
  await endSuspensions(world)
  await backfill(world, UNDISTURBED)
  await live(world, SOON_MS)
  await checkSoon(world)
  await retryEverything(world)
  await live(world, LATER_MS)
  await checkAtRest(world)
}

/** Lives on for so long, from one moment at which something is due to the next. */
async function live(world: World, ms: number): Promise<void> {
  const end = world.clock.now + ms
  while (world.clock.now < end && world.violations.length === 0) {
    await sweep(world, UNDISTURBED)
    await workOff(world)
    await checkStep(world)
    await pass(world, Math.max(1000, Math.min((await nextDue(world)) - world.clock.now, end - world.clock.now)))
  }
  await backfill(world, UNDISTURBED)
  await workOff(world)
}

/** When a job or the sweep will next find something to do. */
async function nextDue(world: World): Promise<number> {
  const [row] = await world.database.rows<{ ms: number | null }>(
    `select (extract(epoch from min(at)) * 1000)::float8 as ms from (
       select min(next_attempt_at) as at from webhook_inbox where status in ('received', 'forwarding')
       union all select min(next_attempt_at) from outbound_messages where status in ('pending', 'sending', 'unknown')
       union all select min(next_attempt_at) from lead_unlocks
         where status in ('CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAID') or link_unrecorded
       union all select min(next_attempt_at) from payment_links where status = 'closing'
       union all select min(next_attempt_at) from payments where status in ('refund_due', 'refund_pending')
       union all select min(next_attempt_at) from escalations where alerted_at is null and resolved_at is null
       union all select min(ttl_expires_at) from lead_unlocks where status not in
         ('PAID', 'REVEAL_DETAILS_SENT', 'DONE', 'EXPIRED', 'OPTED_OUT')
       union all select min(reveal_confirm_at) from lead_unlocks where status = 'REVEAL_DETAILS_SENT') as due`,
  )
  const jobs = world.queues.all().filter(({ state }) => state === 'waiting')
  return Math.min(row?.ms ?? Number.POSITIVE_INFINITY, ...jobs.map(({ readyAt }) => readyAt))
}

/** Everything that can happen now happens. */
async function workOff(world: World): Promise<void> {
  for (let count = 0; count < MAX_JOBS; count += 1) {
    while (world.carrier.length > 0) carrierSpeaks(world)
    await bankDecides(world)
    collectEvents(world)
    const [mail] = world.mail.splice(0, 1)
    const [job] = world.queues.ready()
    if (mail !== undefined) await deliver(world, mail)
    else if (job !== undefined) await runJob(world, job)
    else return
  }
  world.violations.push('work never ends')
}

/** A person follows the runbook: retries what failed, and wakes what is parked though its job is gone. */
async function retryEverything(world: World): Promise<void> {
  world.steps.push('-- a person retries everything')
  for (const wakeUp of world.queues.failed()) {
    wakeUp.attemptsMade = 0
    await runJob(world, wakeUp)
  }
  for (const table of ['webhook_inbox', 'outbound_messages', 'lead_unlocks', 'payment_links', 'payments']) {
    await world.database.rows(
      `update ${table} set next_attempt_at = timestamptz 'epoch' + $1 * interval '1 millisecond', attempts = 0
       where next_attempt_at > '9000-01-01'`,
      [world.clock.now],
    )
  }
}
