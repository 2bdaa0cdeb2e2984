import { backoffMs } from '../../../src/domain/backoff.ts'
import { jobs } from '../../../src/queues/contract.ts'
import { makeAttempt, type Outcome } from '../../../src/workers/attempt.ts'
import { perform } from './perform.ts'
import { nameOf, type WakeUp } from './publisher.ts'
import { type Plan, type Rest, UNDISTURBED } from './tasks.ts'
import type { World } from './world.ts'

/** What BullMQ waits before it hands a dead worker's job to another, milliseconds. */
const STALLED_AFTER_MS = 30_000

/** Makes one attempt of a job, as a worker process would. */
export async function runJob(world: World, wakeUp: WakeUp, plan: Plan = UNDISTURBED): Promise<void> {
  const handler = world.registry.get(wakeUp.job)
  if (handler === undefined) throw new Error(`no handler for ${wakeUp.job}`)
  wakeUp.state = 'active'
  const attempt = {
    id: String(wakeUp.serial),
    data: wakeUp.payload,
    number: wakeUp.attemptsMade + 1,
    of: jobs[wakeUp.job].attempts,
  }
  const { request_id: _origin, ...ids } = wakeUp.payload
  const name = nameOf({ ...ids, job: wakeUp.job })
  await perform(
    world,
    name,
    plan,
    async () => new Told(await makeAttempt(world.services, handler, attempt)),
    (rest, wasCut) => settle(world, wakeUp, rest, wasCut),
  )
}

/** An outcome that reads well in the history. */
class Told {
  readonly outcome: Outcome

  constructor(outcome: Outcome) {
    this.outcome = outcome
  }

  toString(): string {
    const { type } = this.outcome
    return 'code' in this.outcome ? `${type} (${this.outcome.code})` : type
  }
}

function settle(world: World, wakeUp: WakeUp, rest: Rest<Told>, wasCut: boolean): void {
  if (rest.type === 'done' && !wasCut) checkCode(world, wakeUp, rest.value.outcome)
  if (rest.type === 'crashed') outlive(world, wakeUp)
  else if (rest.type === 'done') goOn(world, wakeUp, rest.value.outcome)
  else world.queues.remove(wakeUp)
}

function goOn(world: World, wakeUp: WakeUp, outcome: Outcome): void {
  switch (outcome.type) {
    case 'done':
      world.queues.remove(wakeUp)
      return
    case 'later':
      wakeUp.state = 'waiting'
      wakeUp.readyAt = world.clock.now + outcome.delayMs
      return
    case 'failed': {
      wakeUp.state = 'waiting'
      wakeUp.attemptsMade += 1
      const { backoff } = jobs[wakeUp.job]
      wakeUp.readyAt = world.clock.now + backoffMs(wakeUp.attemptsMade, backoff, () => world.random.next())
      return
    }
    case 'given_up':
      wakeUp.state = 'failed'
      wakeUp.attemptsMade += 1
  }
}

/** The worker died. Its job is taken over once it counts as stalled, unless Redis lost it as well. */
function outlive(world: World, wakeUp: WakeUp): void {
  if (world.random.chance(0.2)) world.queues.remove(wakeUp)
  wakeUp.state = 'waiting'
  wakeUp.readyAt = world.clock.now + STALLED_AFTER_MS
}

/** A failure is a gateway's or foreseen: an exception of the language or the database is a bug. */
function checkCode(world: World, wakeUp: WakeUp, outcome: Outcome): void {
  const code = 'code' in outcome ? outcome.code : ''
  if (/^\d[\dA-Z]{4}$|^[A-Z]\w*(Error|Exception)$|^unknown$/.test(code)) {
    world.violations.push(`${wakeUp.job} failed of ${code}`)
  }
}
