import { eraseByHand, operateByHand } from './actions-admin.ts'
import { postLead, sendLead } from './actions-leads.ts'
import { bankDecides, dashboard, payOpenPage, useLink } from './actions-money.ts'
import { changeNumber } from './actions-numbers.ts'
import {
  backfill,
  carrierSpeaks,
  disturb,
  endSuspension,
  retryFailed,
  sweep,
  takeOver,
  work,
} from './actions-operations.ts'
import { acceptOffer, text } from './actions-texts.ts'
import { pass, passSomeTime } from './actions-time.ts'
import { begin } from './beginning.ts'
import type { SimulatedDatabase } from './database.ts'
import { drain } from './drain.ts'
import { checkStep } from './invariants.ts'
import { collectEvents, deliverSomeMail } from './mail.ts'
import { type Tally, tallyOf } from './tally.ts'
import { openWorld, type World } from './world.ts'

export type Told = { seed: number; steps: string[]; violations: string[]; tally: Tally }

/**
 * Lives through one history: random steps, each followed by a check of the invariants, then everything is drained and
 * nothing may be left undone. The same seed gives the same history.
 */
export async function runHistory(database: SimulatedDatabase, seed: number): Promise<Told> {
  await database.reset()
  let tally: Tally = {}
  const world = await openWorld(database, seed)
  try {
    world.steps.push(`profile ${JSON.stringify(world.profile)}`)
    await live(world)
    if (world.violations.length === 0) await drain(world)
    tally = await tallyOf(world)
  } catch (error) {
    world.violations.push(`the simulation itself failed: ${error instanceof Error ? error.stack : error}`)
  } finally {
    await Promise.all(world.suspended.splice(0).map((task) => task.kill()))
    await world.close()
  }
  return { seed, steps: world.steps, violations: world.violations, tally }
}

async function live(world: World): Promise<void> {
  await begin(world)
  for (let step = 0; step < world.profile.steps && world.violations.length === 0; step += 1) {
    await pass(world, world.random.int(1, 60))
    await act(world)
    collectEvents(world)
    await checkStep(world)
  }
}

/** One thing happens, of those that can. */
async function act(world: World): Promise<void> {
  const { random, queues, mail, suspended, carrier, accepted, stripe } = world
  const hasLink = accepted.some(({ purpose }) => purpose === 'payment_link')
  const hasPaid = stripe.state.charges.all().length > 0
  const action = random.weighted<(world: World) => Promise<void> | void>([
    [queues.ready().length > 0 ? 50 : 0, work],
    [mail.length > 0 ? 22 : 0, deliverSomeMail],
    [suspended.length > 0 ? 12 : 0, endSuspension],
    [suspended.length > 0 ? 3 : 0, takeOver],
    [carrier.length > 0 ? 5 : 0, carrierSpeaks],
    [8, passSomeTime],
    [accepted.length > 0 ? 5 : 0, acceptOffer],
    [4, text],
    [hasLink ? 8 : 0, useLink],
    [hasLink ? 2 : 0, payOpenPage],
    [hasPaid ? 1 : 0, bankDecides],
    [hasPaid ? 1.5 : 0, dashboard],
    [world.leads.length < 3 ? 1.5 : 0, postLead],
    [0.7, sendLead],
    [1.5, operateByHand],
    [0.3, eraseByHand],
    [0.7, changeNumber],
    [3, (one) => sweep(one)],
    [1.5, (one) => backfill(one)],
    [queues.failed().length > 0 ? 3 : 0, retryFailed],
    [0.7, disturb],
  ])
  await action(world)
}
