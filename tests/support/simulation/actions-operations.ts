import { jobs } from '../../../src/queues/contract.ts'
import { backfillOnce } from '../../../src/workers/jobs/backfill.ts'
import { sweepOnce } from '../../../src/workers/jobs/sweep.ts'
import { pronounce } from './acceptance.ts'
import { runJob } from './jobs.ts'
import { perform } from './perform.ts'
import { drawPlan } from './profile.ts'
import type { WakeUp } from './publisher.ts'
import type { Plan } from './tasks.ts'
import type { World } from './world.ts'

/** Share of the suspended jobs that another worker is through with before the first goes on. */
const TAKEN_OVER = 0.3

/** A worker takes a job. */
export async function work(world: World): Promise<void> {
  const ready = world.queues.ready()
  if (ready.length === 0) return
  const wakeUp = world.random.pick(ready)
  await runJob(world, wakeUp, drawPlan(world.random, world.profile))
  if (wakeUp.state === 'active' && world.random.chance(TAKEN_OVER)) await runJob(world, handOver(world, wakeUp))
}

/** A suspended task goes on, or its process dies. */
export async function endSuspension(world: World): Promise<void> {
  if (world.suspended.length === 0) return
  const task = world.random.take(world.suspended)
  if (world.random.chance(0.2)) await task.kill()
  else await task.resume()
}

/** A job whose worker is suspended counts as stalled and is given to another, while the first goes on. */
export function takeOver(world: World): void {
  const active = world.queues.all().filter(({ state }) => state === 'active')
  if (active.length === 0) return
  handOver(world, world.random.pick(active))
}

function handOver(world: World, wakeUp: WakeUp): WakeUp {
  world.steps.push(`${wakeUp.job} is taken over by another worker`)
  return world.queues.duplicate(wakeUp)
}

export function sweep(world: World, plan: Plan = drawPlan(world.random, world.profile)): Promise<void> {
  return perform(
    world,
    'sweep',
    plan,
    async () => `${await sweepOnce(world.services, runId('sweep', world))} due`,
    () => undefined,
  )
}

/** What goes wrong with one source is logged; the next run asks again. */
export function backfill(world: World, plan: Plan = drawPlan(world.random, world.profile)): Promise<void> {
  const run = async () => {
    try {
      return `${await backfillOnce(world.services, runId('backfill', world))} found`
    } catch (error) {
      return `failed of ${error instanceof Error ? error.message : 'unknown'}`
    }
  }
  return perform(world, 'backfill', plan, run, () => undefined)
}

/** What a run is called in the logs: in a history, the same each time it is replayed. */
function runId(name: string, { steps }: World): string {
  return `${name}:${steps.length}`
}

/** A person has a failed job run again, as Bull Board's Retry does. */
export async function retryFailed(world: World): Promise<void> {
  const failed = world.queues.failed()
  if (failed.length === 0) return
  const wakeUp = world.random.pick(failed)
  wakeUp.attemptsMade = Math.min(wakeUp.attemptsMade, jobs[wakeUp.job].attempts - 1)
  await runJob(world, wakeUp)
}

/** The carrier says what became of a message. */
export function carrierSpeaks(world: World): void {
  if (world.carrier.length === 0) return
  const mail = pronounce(world, world.random.take(world.carrier))
  if (mail !== null) world.mail.push(mail)
}

/** A store or a gateway goes away or comes back. */
export function disturb(world: World): void {
  const { random, queues, network } = world
  const what = random.pick(['redis loses everything', 'redis', 'textmagic', 'stripe', 'post'])
  if (what === 'redis loses everything') queues.flush()
  else if (what === 'redis') queues.away = !queues.away
  else if (network.down.has(what)) network.down.delete(what)
  else if (random.chance(0.5)) network.down.add(what)
  const away = [...network.down, ...(queues.away ? ['redis'] : [])]
  world.steps.push(`${what} ${what === 'redis loses everything' ? '' : 'changes'}; away: ${away.join(', ') || 'none'}`)
}
