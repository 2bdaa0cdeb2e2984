import { Lead } from '../../../src/db/entities/index.ts'
import { insertLead, type NewLead } from '../../../src/db/leads/leads.ts'
import { type Offer, offerLead } from '../../../src/db/leads/offers.ts'
import { inTransaction } from '../../../src/db/postgres/orm.ts'
import { perform } from './perform.ts'
import { drawPlan } from './profile.ts'
import { UNDISTURBED } from './tasks.ts'
import type { World } from './world.ts'

/** A minute, a quarter of an hour, two hours, a day, three days. */
const TTL_HOURS = [0.02, 0.25, 2, 24, 24, 72]

/** An admin posts a lead. */
export async function postLead(world: World): Promise<void> {
  const { random } = world
  const id = `lead_${random.letters(8)}`
  const lead: NewLead = {
    city: 'Miami',
    serviceType: '60 min Mobile Massage',
    preferredTimeWindow: null,
    budgetRange: null,
    notesSnippet: null,
    clientName: `Sarah ${random.letters(10)}`,
    clientPhone: `+1999${random.int(1_000_000, 9_999_999)}`,
    clientEmail: `${random.letters(10)}@client.invalid`,
    exactAddress: `${random.int(1, 999)} ${random.letters(10)} Drive`,
    terms: { priceCents: 2000, currency: 'usd', ttlHours: 24 },
  }
  // Known before it is stored: whatever leaks of a lead whose request died is a leak all the same.
  world.leads.push({ id, locked: [lead.clientName, lead.clientPhone, `${lead.clientEmail}`, `${lead.exactAddress}`] })
  const receivers = world.providers.map((provider) => provider.id).filter(() => random.chance(0.6))
  if (receivers.length === 0) receivers.push(random.pick(world.providers).id)
  await offer(world, `post ${id}`, receivers, async (tx) => insertLead(tx, world.services.sealer, lead, () => id))
}

/** An admin offers a lead to more providers, or to the same again. */
export async function sendLead(world: World): Promise<void> {
  const { id } = world.random.pick(world.leads)
  const receivers = world.providers.map((provider) => provider.id).filter(() => world.random.chance(0.5))
  await offer(world, `send ${id}`, receivers, (tx) => tx.findOne(Lead, { id }))
}

type Transaction = Parameters<typeof insertLead>[0]

async function offer(
  world: World,
  name: string,
  receivers: readonly string[],
  lead: (tx: Transaction) => Promise<Lead | null>,
): Promise<void> {
  const { db, publisher, settings } = world.services
  const ttlHours = world.random.pick(TTL_HOURS)
  const terms = { priceCents: 2000, currency: 'usd', ttlHours }
  const work = async () => {
    const offered = await inTransaction(db.em, async (tx): Promise<Offer> => {
      const stored = await lead(tx)
      return stored === null
        ? { unlocks: [], skipped: [] }
        : offerLead(tx, stored, receivers, terms, { quiet: settings.quiet, footer: '' })
    })
    const ids = offered.unlocks.map(({ id }) => id)
    await publisher.publish(ids.map((unlock_id) => ({ job: 'send-teaser', unlock_id })))
    await publisher.publish(
      ids.map((unlock_id) => ({ job: 'expire', unlock_id })),
      { delayMs: ttlHours * 3_600_000 },
    )
    return `unlocks ${ids.join(', ')} for ${ttlHours} h`
  }
  const plan = world.calm ? UNDISTURBED : drawPlan(world.random, world.profile)
  await perform(world, name, plan, work, () => undefined)
}
