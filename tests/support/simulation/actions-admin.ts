import { ErasureRefusedError, eraseContact } from '../../../src/db/erasure/erasure.ts'
import { NotAllowedError, type Operation, operate } from '../../../src/db/unlocks/operations.ts'
import { perform } from './perform.ts'
import { drawPlan } from './profile.ts'
import type { World } from './world.ts'

const BY = { keyName: 'admin', role: 'admin', requestId: null } as const

const OPERATIONS: readonly Operation[] = ['retry-reveal', 'retry-reveal', 'resend-link', 'expire', 'refund']

/** An operator does something to an unlock by hand; its state may forbid it. */
export async function operateByHand(world: World): Promise<void> {
  const { random, services } = world
  const [unlock] = await world.database.rows<{ id: number }>(
    'select id from lead_unlocks order by (id * 7919 + $1) % 101, id limit 1',
    [random.int(0, 100)],
  )
  if (unlock === undefined) return
  const operation = random.pick(OPERATIONS)
  const work = async () => {
    try {
      const done = await operate(services.db.em, unlock.id, operation, BY)
      await services.publisher.publish(done?.due ?? [])
      return 'done'
    } catch (error) {
      if (error instanceof NotAllowedError) return 'refused'
      throw error
    }
  }
  const plan = drawPlan(random, world.profile)
  await perform(world, `operator: ${operation} of unlock ${unlock.id}`, plan, work, () => undefined)
}

/** An admin erases the contact details of a lead, if nobody needs them any more. */
export async function eraseByHand(world: World): Promise<void> {
  const { id } = world.random.pick(world.leads)
  const plan = drawPlan(world.random, world.profile)
  await perform(
    world,
    `admin erases ${id}`,
    plan,
    () => erase(world, id),
    () => undefined,
  )
}

/** @returns why it was refused, or `erased` */
export async function erase({ services }: World, leadId: string): Promise<string> {
  try {
    await eraseContact(services.db.em, leadId, BY)
    return 'erased'
  } catch (error) {
    if (error instanceof ErasureRefusedError) return error.message
    throw error
  }
}
