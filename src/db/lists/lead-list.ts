import type { UnlockStatus } from '../../domain/states.ts'
import { Lead } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { type Condition, createdIn, equals, inPlace, newestFirst, type Place } from './listing.ts'

export type LeadFilter = {
  city?: string | undefined
  /** Inclusive. */
  createdFrom?: Date | undefined
  /** Exclusive. */
  createdTo?: Date | undefined
  /** At least one of the lead's unlocks has it. */
  unlockStatus?: UnlockStatus | undefined
}

/**
 * Leads, newest first, from the one after `after`. Leads that arrive meanwhile stand before the first page and shift
 * nothing.
 */
export async function listLeads(
  em: EntityManager,
  filter: LeadFilter,
  after: Place<string> | null,
  limit: number,
): Promise<{ row: Lead; place: Place<string> }[]> {
  const withStatus: Condition =
    filter.unlockStatus === undefined
      ? null
      : ['exists (select 1 from lead_unlocks u where u.lead_id = leads.id and u.status = ?)', filter.unlockStatus]
  const conditions = [equals('city', filter.city), ...createdIn(filter.createdFrom, filter.createdTo), withStatus]
  const places = await newestFirst(em, 'leads', conditions, after, limit)
  return inPlace(places, await em.find(Lead, { id: { $in: places.map(({ id }) => id) } }))
}
