import { UNPAID_STATUSES } from '../../domain/states.ts'
import { PARKED_AFTER } from '../due/parking.ts'
import { UNMATCHED } from '../inbox/inbox.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** Days for which a repeated request with an idempotency key gives the first answer. */
export const IDEMPOTENCY_DAYS = 7

/**
 * Days for which a refund or a dispute waits for the payment it is about: Stripe keeps its events for as long. It holds
 * nothing of a client's.
 */
const EARLY_EVENT_DAYS = 30

/** Where a lead stands in the order of creation. */
export type LeadPosition = { createdAt: string; id: string }

/**
 * Leads, oldest first, from the one after `after`, whose contact details may be due for erasure: whether they are is
 * decided under their locks.
 */
export async function leadsPastRetention(
  em: EntityManager,
  days: number,
  after: LeadPosition | null,
  limit: number,
): Promise<LeadPosition[]> {
  const rows = await em.execute<{ id: string; created_at: string }[]>(
    `select id, created_at::text as created_at from leads l
     where contact_erased_at is null and created_at <= app_now() - make_interval(days => ?)
       and (created_at, id) > (?::timestamptz, ?)
       and not exists (select from lead_unlocks where lead_id = l.id
         and (status in ${oneOf([...UNPAID_STATUSES, 'PAID'])} or updated_at > app_now() - make_interval(days => ?)))
     order by l.created_at, l.id limit ?`,
    [days, after?.createdAt ?? '-infinity', after?.id ?? '', days, limit],
  )
  return rows.map(({ id, created_at }) => ({ id, createdAt: created_at }))
}

/** One kind of rows that lose what is not needed any more: at most `limit` of them, the oldest first. @returns how many */
type Pass = (em: EntityManager, limit: number) => Promise<number>

/** What gateways sent, handled or given up by a person, and as old as this. */
export function inboxBodies(days: number): Pass {
  return (em, limit) =>
    count(
      em,
      `update webhook_inbox set sealed_body = null,
         status = case when status in ('received', 'forwarding') then 'failed' else status end
       where id in (
         select id from webhook_inbox i
         where sealed_body is not null and received_at <= app_now() - make_interval(days => ?)
           and (status in ('processed', 'failed') or next_attempt_at > ?)
           and not exists (select from escalations where resolved_at is null
             and subject in ('inbox:' || i.id, 'webhook_inbox:' || i.id))
           and not (source = 'stripe' and outcome = '${UNMATCHED}' and payment_intent_id is not null
             and received_at > app_now() - make_interval(days => ?))
         order by received_at limit ? for update skip locked)
       returning 1`,
      [days, PARKED_AFTER, EARLY_EVENT_DAYS, limit],
    )
}

/** Texts that were sent, or never will be, as old as this. One that was refused may still be, by the person it waits for. */
export function messageBodies(days: number): Pass {
  return (em, limit) =>
    count(
      em,
      `update outbound_messages set body = null where id in (
         select id from outbound_messages m
         where body is not null and created_at <= app_now() - make_interval(days => ?)
           and status in ('accepted', 'delivered', 'undelivered', 'failed', 'cancelled')
           and not (status = 'failed' and exists (select from escalations where resolved_at is null
             and subject in ('message:' || m.id, 'unlock:' || m.unlock_id)))
         order by created_at limit ? for update skip locked)
       returning 1`,
      [days, limit],
    )
}

/** Receipts that were handled before their bodies were dropped with that. */
export const handledReceipts: Pass = (em, limit) =>
  count(
    em,
    `update webhook_inbox set sealed_body = null where id in (
       select id from webhook_inbox
       where source = 'textmagic_delivery' and status = 'processed' and sealed_body is not null
       order by id limit ? for update skip locked)
     returning 1`,
    [limit],
  )

/** Idempotency keys past their time. */
export const idempotencyKeys: Pass = (em, limit) =>
  count(
    em,
    `delete from idempotency_keys where key in (
       select key from idempotency_keys where created_at <= app_now() - make_interval(days => ?)
       order by created_at limit ? for update skip locked)
     returning 1`,
    [IDEMPOTENCY_DAYS, limit],
  )

async function count(em: EntityManager, sql: string, values: readonly unknown[]): Promise<number> {
  return (await em.execute<object[]>(sql, [...values])).length
}
