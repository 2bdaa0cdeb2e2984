import { postLead } from './actions-leads.ts'
import { knownLinks } from './actions-money.ts'
import { acceptOffer } from './actions-texts.ts'
import { pass } from './actions-time.ts'
import { runJob } from './jobs.ts'
import { collectEvents, deliver } from './mail.ts'
import type { World } from './world.ts'

/** How far a lead has come before things begin to go wrong: the late states get as many random steps as the early ones. */
const STAGES = ['new', 'offered', 'wanted', 'linked', 'paid'] as const

/** A lead is posted and, undisturbed, comes to some stage. */
export async function begin(world: World): Promise<void> {
  const stage = world.random.pick(STAGES)
  const reached = (other: (typeof STAGES)[number]) => STAGES.indexOf(stage) >= STAGES.indexOf(other)
  const { calm } = world
  const { faultRate } = world.network
  world.calm = true
  world.network.faultRate = 0
  await postLead(world)
  if (reached('offered')) await workOff(world, 'send-teaser')
  if (reached('wanted')) {
    for (let count = world.random.int(1, 3); count > 0; count -= 1) acceptOffer(world)
    await arrive(world)
  }
  if (reached('linked')) {
    await workOff(world, 'handle-reply')
    await workOff(world, 'create-payment-link')
  }
  if (reached('paid')) {
    for (const url of knownLinks(world)) await world.stripe.actions.payLink(url)
    collectEvents(world)
    await arrive(world)
  }
  world.calm = calm
  world.network.faultRate = faultRate
}

async function arrive(world: World): Promise<void> {
  for (const mail of world.mail.splice(0)) await deliver(world, mail)
}

async function workOff(world: World, name: string): Promise<void> {
  await pass(world, 100)
  for (const job of world.queues.ready().filter((wakeUp) => wakeUp.job === name)) await runJob(world, job)
}
