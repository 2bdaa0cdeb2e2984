import type { UnlockStatus } from '../domain/states.ts'
import { Escalation, Lead, OutboundMessage, Payment, PaymentLink, Unlock, UnlockEventRow } from './entities/index.ts'
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

/** A lead's place in the listing: its creation time in microseconds since 1970, which is what Postgres keeps, and its id. */
export type LeadPosition = { createdMicros: number; id: string }

/**
 * Leads, newest first, from the one after `after`. Leads that arrive meanwhile stand before the first page and shift
 * nothing.
 */
export async function listLeads(
  em: EntityManager,
  filter: LeadFilter,
  after: LeadPosition | null,
  limit: number,
): Promise<{ lead: Lead; position: LeadPosition }[]> {
  const conditions: [sql: string, ...values: unknown[]][] = []
  if (filter.city !== undefined) conditions.push(['city = ?', filter.city])
  if (filter.createdFrom !== undefined) conditions.push(['created_at >= ?', filter.createdFrom])
  if (filter.createdTo !== undefined) conditions.push(['created_at < ?', filter.createdTo])
  if (after !== null)
    conditions.push([
      "(created_at, id) < (timestamptz 'epoch' + ? * interval '1 microsecond', ?)",
      after.createdMicros,
      after.id,
    ])
  if (filter.unlockStatus !== undefined) {
    conditions.push([
      'exists (select 1 from lead_unlocks u where u.lead_id = leads.id and u.status = ?)',
      filter.unlockStatus,
    ])
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.map(([sql]) => sql).join(' and ')}`
  const positions = await em.execute<{ id: string; micros: string }[]>(
    `select id, (extract(epoch from created_at) * 1000000)::bigint as micros
     from leads ${where} order by created_at desc, id desc limit ?`,
    [...conditions.flatMap(([, ...values]) => values), limit],
  )
  const found = await em.find(Lead, { id: { $in: positions.map(({ id }) => id) } })
  const byId = new Map(found.map((lead) => [lead.id, lead]))
  return positions.flatMap(({ id, micros }) => {
    const lead = byId.get(id)
    return lead === undefined ? [] : [{ lead, position: { createdMicros: Number(micros), id } }]
  })
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
