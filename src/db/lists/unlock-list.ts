import type { UnlockStatus } from '../../domain/states.ts'
import { Unlock } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { type Condition, createdIn, equals, inPlace, newestFirst, type Place } from './listing.ts'

export type UnlockFilter = {
  status?: UnlockStatus | undefined
  providerId?: string | undefined
  leadId?: string | undefined
  /** Inclusive. */
  createdFrom?: Date | undefined
  /** Exclusive. */
  createdTo?: Date | undefined
}

/** Unlocks, newest first, from the one after `after`. Unlocks that arrive meanwhile shift nothing. */
export async function listUnlocks(
  em: EntityManager,
  filter: UnlockFilter,
  after: Place<number> | null,
  limit: number,
): Promise<{ row: Unlock; place: Place<number> }[]> {
  const places = await newestFirst(em, 'lead_unlocks', unlockConditions(filter), after, limit)
  return inPlace(places, await em.find(Unlock, { id: { $in: places.map(({ id }) => id) } }))
}

/** The unlocks of a lead, oldest first. */
export function unlocksOfLead(em: EntityManager, leadId: string): Promise<Unlock[]> {
  return em.find(Unlock, { leadId }, { orderBy: { id: 'asc' } })
}

export function unlockConditions(filter: UnlockFilter): Condition[] {
  return [
    equals('status', filter.status),
    equals('provider_id', filter.providerId),
    equals('lead_id', filter.leadId),
    ...createdIn(filter.createdFrom, filter.createdTo),
  ]
}
