import { LockMode } from '@mikro-orm/core'
import { UNSENT_STATUSES } from '../../domain/outbound.ts'
import { RETURNING_STATUSES } from '../../domain/refunds.ts'
import { type ErasureFacts, isRetentionOver, type Obstacle, obstacleToErasure } from '../../domain/retention.ts'
import { type Actor, recordAudit } from '../access/audit.ts'
import { PARKED_AFTER } from '../due/parking.ts'
import { Unlock } from '../entities/index.ts'
import { oneOf } from '../postgres/one-of.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'

/** The contact details are still needed. The message is for whoever asked. */
export class ErasureRefusedError extends Error {
  override readonly name = 'ErasureRefusedError'
  readonly code = 'erasure_refused'

  constructor(obstacle: Obstacle) {
    super(`the contact details cannot be erased: ${obstacle}`)
  }
}

/**
 * Erases a lead's contact details and whatever may quote them, audited in the same transaction. Repeating it changes
 * nothing more.
 *
 * @returns false when there is no such lead
 * @throws {ErasureRefusedError} nothing was changed
 */
export function eraseContact(em: EntityManager, leadId: string, by: Actor): Promise<boolean> {
  return inTransaction(em, async (tx) => {
    const lead = await lockLead(tx, leadId, 'wait')
    if (lead === null) return false
    if (!lead.isErased) {
      const obstacle = obstacleToErasure(lead.facts)
      if (obstacle !== null) throw new ErasureRefusedError(obstacle)
      await erase(tx, leadId)
    }
    await recordAudit(tx, { ...by, action: 'lead.erase_contact', target: `lead:${leadId}` })
    return true
  })
}

/** Like `eraseContact`, once the time for which they are kept is over. @returns whether they were erased here */
export function eraseIfOver(em: EntityManager, leadId: string, days: number, by: Actor): Promise<boolean> {
  return inTransaction(em, async (tx) => {
    const lead = await lockLead(tx, leadId, 'skip locked')
    if (lead === null || lead.isErased || !isRetentionOver(lead.facts, lead.now, days)) return false
    await erase(tx, leadId)
    await recordAudit(tx, { ...by, action: 'lead.erase_contact', target: `lead:${leadId}` })
    return true
  })
}

type LockedLead = { isErased: boolean; now: Date; facts: ErasureFacts }

type Count = 'now_ms' | 'open_links' | 'unsent_reveals' | 'undelivered_details' | 'pending_refunds' | 'open_escalations'

/** `at_gateway`: unlocks with a reveal that the gateway has, and nobody has said what became of it. */
type Around = Record<Count, string> & { at_gateway: number[] }

/**
 * Locks a lead and its unlocks, so that neither an offer, a reply nor a payment comes in between.
 *
 * @returns null when it does not exist, or is locked and not waited for
 */
async function lockLead(tx: EntityManager, leadId: string, locked: 'wait' | 'skip locked'): Promise<LockedLead | null> {
  const [lead] = await tx.execute<{ erased: boolean; created_ms: string }[]>(
    `select contact_erased_at is not null as erased, extract(epoch from created_at) * 1000 as created_ms
     from leads where id = ? for update ${locked === 'wait' ? '' : locked}`,
    [leadId],
  )
  if (lead === undefined) return null
  const unlocks = await tx.find(
    Unlock,
    { leadId },
    { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true, orderBy: { id: 'asc' } },
  )
  const [around] = await tx.execute<Around[]>(
    `with mine as (select id from lead_unlocks where lead_id = ?)
     select extract(epoch from app_now()) * 1000 as now_ms,
       (select count(*) from payment_links where unlock_id in (table mine) and status <> 'closed') as open_links,
       (select count(*) from outbound_messages m where unlock_id in (table mine) and purpose = 'reveal'
          and status in ${oneOf(UNSENT_STATUSES)} and (next_attempt_at < ? or exists (select from escalations
            where subject = 'outbound_messages:' || m.id and resolved_at is null))) as unsent_reveals,
       (select coalesce(json_agg(unlock_id), '[]') from outbound_messages where unlock_id in (table mine)
          and purpose = 'reveal' and status = 'accepted') as at_gateway,
       (select count(*) from payments p where unlock_id in (table mine) and (status = 'kept'
          and exists (select from escalations where unlock_id = p.unlock_id and resolved_at is null
            and kind in ('reveal_failed', 'reveal_undeliverable'))
          and not exists (select from outbound_messages where unlock_id = p.unlock_id and purpose = 'reveal'
            and status in ('accepted', 'delivered'))
          or status = 'held' and exists (select from escalations where subject = 'payment:' || p.id
            and resolved_at is null and kind = 'wrong_amount'))) as undelivered_details,
       (select count(*) from payments where unlock_id in (table mine)
          and status in ${oneOf(RETURNING_STATUSES)}) as pending_refunds,
       (select count(*) from escalations where unlock_id in (table mine) and resolved_at is null) as open_escalations`,
    [leadId, PARKED_AFTER],
  )
  const facts = {
    createdAt: new Date(Number(lead.created_ms)),
    unlocks: unlocks.map(({ id, status, closedReason, revealConfirmAt, updatedAt, ttlExpiresAt }) => ({
      status,
      closedReason: closedReason ?? null,
      awaitsConfirmation: revealConfirmAt != null && around?.at_gateway.includes(id) === true,
      updatedAt,
      ttlExpiresAt,
    })),
    openLinks: Number(around?.open_links),
    unsentReveals: Number(around?.unsent_reveals),
    undeliveredDetails: Number(around?.undelivered_details),
    pendingRefunds: Number(around?.pending_refunds),
    openEscalations: Number(around?.open_escalations),
  }
  return { isErased: lead.erased, now: new Date(Number(around?.now_ms)), facts }
}

/**
 * What the lead's details may be in: its own columns; the notes in an answer kept for an idempotency key; what those who
 * have the details texted since (a phone's tapback quotes the whole SMS); and what a person wrote about it.
 */
async function erase(tx: EntityManager, leadId: string): Promise<void> {
  await tx.execute(
    `update leads set client_name = null, client_phone = null, client_email = null, exact_address = null,
       notes_snippet = null, contact_erased_at = app_now() where id = ?`,
    [leadId],
  )
  // What is not delivered by now never will be: there is nothing left to be confirmed.
  await tx.execute(
    `update lead_unlocks set reveal_confirm_at = null where lead_id = ? and status = 'REVEAL_DETAILS_SENT'`,
    [leadId],
  )
  await tx.execute(
    `update idempotency_keys set response = jsonb_set(response, '{lead,notes_snippet}', 'null')
     where response #>> '{lead,id}' = ?`,
    [leadId],
  )
  await tx.execute(
    `update webhook_inbox set sealed_body = null where id in (
       select i.id from webhook_inbox i, lead_unlocks u
       where u.lead_id = ? and i.provider_id = u.provider_id and i.received_at >= u.paid_at
         and i.source = 'textmagic' and i.status = 'processed' and i.sealed_body is not null)`,
    [leadId],
  )
  await tx.execute(
    'update escalations set note = null where unlock_id in (select id from lead_unlocks where lead_id = ?)',
    [leadId],
  )
}
