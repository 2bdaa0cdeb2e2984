import type { UnlockStatus } from '../domain/states.ts'
import { Escalation, Lead, OutboundMessage, Payment, PaymentLink, Unlock, UnlockEventRow } from './entities/index.ts'
import { type Condition, createdIn, equals, inPlace, newestFirst, type Place } from './listing.ts'
import type { EntityManager } from './orm.ts'

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

/** The unlocks of a lead, oldest first. */
export function unlocksOfLead(em: EntityManager, leadId: string): Promise<Unlock[]> {
  return em.find(Unlock, { leadId }, { orderBy: { id: 'asc' } })
}

export type UnlockHistory = {
  unlock: Unlock
  timeline: UnlockEventRow[]
  messages: OutboundMessage[]
  links: PaymentLink[]
  payments: Payment[]
}

/** Everything that happened to an unlock, oldest first. */
export async function unlockHistory(em: EntityManager, unlockId: number): Promise<UnlockHistory | null> {
  const unlock = await em.findOne(Unlock, { id: unlockId })
  if (unlock === null) return null
  const oldestFirst = { orderBy: { id: 'asc' } } as const
  const timeline = await em.find(UnlockEventRow, { unlockId }, oldestFirst)
  const messages = await em.find(OutboundMessage, { unlockId }, oldestFirst)
  const links = await em.find(PaymentLink, { unlockId }, oldestFirst)
  const payments = await em.find(Payment, { unlockId }, oldestFirst)
  return { unlock, timeline, messages, links, payments }
}

/**
 * Escalations, newest first, with ids below `before`.
 *
 * @param state which of them: those that wait for a person, those that are resolved, or all
 */
export function listEscalations(
  em: EntityManager,
  state: 'open' | 'resolved' | 'all',
  before: number | null,
  limit: number,
): Promise<Escalation[]> {
  return em.find(
    Escalation,
    {
      ...(state === 'all' ? {} : { resolvedAt: state === 'open' ? null : { $ne: null } }),
      ...(before === null ? {} : { id: { $lt: before } }),
    },
    { orderBy: { id: 'desc' }, limit },
  )
}
