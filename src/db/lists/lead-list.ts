import type { UnlockStatus } from '../../domain/states.ts'
import { Lead } from '../entities/index.ts'
import { OPEN_STATUSES } from '../figures/figures.ts'
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
  const conditions = [
    equals('city', filter.city),
    ...createdIn(filter.createdFrom, filter.createdTo),
    withUnlock(filter.unlockStatus),
  ]
  const places = await newestFirst(em, 'leads', conditions, after, limit)
  return inPlace(places, await em.find(Lead, { id: { $in: places.map(({ id }) => id) } }))
}

/**
 * Open unlocks are few, and nearly all of them new: leads are looked up by them. Postgres takes them for spread over all leads,
 * and would go through every lead there is once it has found the last.
 */
function withUnlock(status: UnlockStatus | undefined): Condition {
  if (status === undefined) return null
  if (OPEN_STATUSES.some((open) => open === status)) {
    return ['id = any (array(select lead_id from lead_unlocks where status = ?))', status]
  }
  return ['exists (select 1 from lead_unlocks u where u.lead_id = leads.id and u.status = ?)', status]
}
