import { createInbox } from '../../../src/db/inbox/store.ts'
import { parseGatewayBody, readGatewayMessage } from '../../../src/domain/inbound.ts'
import { madeAt } from '../../../src/domain/stripe-event.ts'
import type { Mail } from './mail-bodies.ts'
import { perform } from './perform.ts'
import { drawPlan } from './profile.ts'
import { type Plan, UNDISTURBED } from './tasks.ts'
import type { World } from './world.ts'

/** Puts what Stripe has to tell on its way. */
export function collectEvents(world: World): void {
  for (const { id, event } of world.stripe.state.events.all()) {
    if (world.postedEvents.has(id)) continue
    world.postedEvents.add(id)
    const label = `${event.type} #${world.postedEvents.size}`
    world.mail.push({ from: 'stripe', label, body: JSON.stringify(event), eventId: id })
  }
}

/** Some mail arrives: in any order, perhaps twice, perhaps never. */
export async function deliverSomeMail(world: World): Promise<void> {
  const mail = world.random.take(world.mail)
  const { random } = world
  // What is lost here the backfill or a poll must find.
  if (random.chance(0.06)) {
    world.steps.push(`${mail.label} is lost on its way`)
    return
  }
  if (random.chance(0.15)) world.mail.push(mail)
  await deliver(world, mail, drawPlan(random, world.profile))
}

/** One request of a gateway: stored, its job published, answered 200. What was not answered is sent again. */
export async function deliver(world: World, mail: Mail, plan: Plan = UNDISTURBED): Promise<void> {
  await perform(
    world,
    `webhook: ${mail.label}`,
    plan,
    () => store(world, mail),
    async (rest) => {
      if (rest.type === 'done') {
        markDelivered(world, mail)
        await mail.onStored?.()
      } else {
        world.mail.push(mail)
      }
    },
  )
}

async function store(world: World, { from, body, eventId }: Mail): Promise<void> {
  const { db, sealer, publisher } = world.services
  // One of its own: what others store meanwhile is another moment of the history.
  const inbox = createInbox(db.em, sealer)
  const arrival = { raw: Buffer.from(body), contentType: 'application/json' }
  if (from === 'stripe') {
    const stored = await inbox.storeStripeEvent(eventId ?? '', arrival, madeAt(JSON.parse(body)))
    await publisher.publish(stored.due)
    return
  }
  const fields = await parseGatewayBody(arrival.contentType, arrival.raw)
  const message = fields && readGatewayMessage(fields)
  const stored =
    message?.kind === 'sms'
      ? await inbox.storeInboundSms(message.sms, arrival)
      : message?.kind === 'receipt'
        ? await inbox.storeReceipt(message.receipt, arrival)
        : await inbox.storeUnintelligible(from, arrival)
  await publisher.publish(stored.due)
}

function markDelivered(world: World, { eventId }: Mail): void {
  const record = eventId === undefined ? undefined : world.stripe.state.events.get(eventId)
  if (record !== undefined) world.stripe.state.events.put({ ...record, delivered: true })
}
