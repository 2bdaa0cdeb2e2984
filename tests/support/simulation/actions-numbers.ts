import { PhoneTakenError, putProvider } from '../../../src/db/providers/providers.ts'
import { perform } from './perform.ts'
import { drawPlan } from './profile.ts'
import type { World } from './world.ts'

const BY = { keyName: 'admin', role: 'admin', requestId: null } as const

/** An admin gives a provider another number: one that nobody had, one that somebody left, or by mistake somebody else's. */
export async function changeNumber(world: World): Promise<void> {
  const { random, services } = world
  const provider = random.pick(world.providers)
  const left = world.numbers.filter(({ leftAt }) => leftAt !== null).map(({ phone }) => phone)
  const others = world.providers.filter(({ id }) => id !== provider.id).map(({ phone }) => phone)
  const fresh = `+155501${random.int(10_000, 99_999)}`
  const phone = random.weighted([
    [5, fresh],
    [left.length > 0 ? 4 : 0, left.length > 0 ? random.pick(left) : fresh],
    [1, random.pick(others)],
  ])
  const work = async () => {
    try {
      const details = { name: provider.name, phone, email: null, timeZone: null }
      const { due } = await putProvider(services.db.em, provider.id, details, BY)
      await services.publisher.publish(due)
      return 'done'
    } catch (error) {
      if (error instanceof PhoneTakenError) return 'taken'
      throw error
    }
  }
  // Not suspended: Postgres ends it by a clock of its own, so as not to keep a STOP waiting.
  const plan = { ...drawPlan(random, world.profile), parkAt: new Set<number>() }
  await perform(world, `${provider.id} gets ${phone}`, plan, work, () => undefined)
}

/** Providers text from the number they have. */
export async function noteNumbers(world: World): Promise<void> {
  const rows = await world.database.rows<{ id: string; phone: string }>('select id, phone from providers')
  for (const { id, phone } of rows) {
    const provider = world.providers.find((one) => one.id === id)
    if (provider === undefined || provider.phone === phone) continue
    for (const number of world.numbers) if (number.provider === id) number.leftAt ??= world.clock.now
    world.numbers.push({ provider: id, phone, leftAt: null })
    provider.phone = phone
  }
}
