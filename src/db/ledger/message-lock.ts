import type { EntityDictionary } from '@mikro-orm/core'
import { Lead, OutboundMessage, Unlock } from '../entities/index.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { KINDS_ABOUT_MESSAGES } from './message-escalations.ts'

/** A message and its unlock, locked and read under their locks. */
export type Locked = { message: OutboundMessage; unlock: Unlock | null }

/** Whether a person was called about the message; who calls one has it locked. */
export type Recordable = Locked & { isEscalated: boolean }

/**
 * Locks the unlock of a message, then the message. What is read after it is read by id, row by row: to plan a join takes
 * longer than to execute it.
 */
const LOCK = `
  select from lead_unlocks where id = (select unlock_id from outbound_messages where id = ?) for update;
  select from outbound_messages where id = ? for update;`

type LockedRow = { message: EntityDictionary<OutboundMessage>; unlock: EntityDictionary<Unlock> | null; db_now: string }

/** Locks a message and, before it, its unlock, and reads both once they are locked. @returns null for an unknown id */
export async function lock(tx: EntityManager, messageId: number): Promise<Recordable | null> {
  // The rows are read again: what is not written yet would be lost.
  await tx.flush()
  const [row] = await tx.execute<(LockedRow & { is_escalated: boolean })[]>(
    `${LOCK}
     select to_json(m) as message, (select to_json(u) from lead_unlocks u where id = m.unlock_id) as unlock,
       app_now() as db_now,
       exists (select from escalations where resolved_at is null and kind in ${oneOf(KINDS_ABOUT_MESSAGES)}
         and subject in ('unlock:' || m.unlock_id, 'message:' || m.id)) as is_escalated
     from outbound_messages m where id = ?`,
    [messageId, messageId, messageId],
  )
  return row === undefined ? null : { ...asEntities(tx, row), isEscalated: row.is_escalated }
}

function asEntities(tx: EntityManager, { message, unlock, db_now }: LockedRow): Locked {
  return {
    message: tx.map(OutboundMessage, { ...message, db_now }),
    unlock: unlock && tx.map(Unlock, { ...unlock, db_now }),
  }
}

/** Locks a message that is known to exist, and before it its unlock. */
export async function lockMessage(tx: EntityManager, messageId: number): Promise<Recordable> {
  const locked = await lock(tx, messageId)
  if (locked === null) throw new Error(`message ${messageId} does not exist`)
  return locked
}

export type Receiver = { name: string; phone: string; timeZone: string | null }

type ClaimRow = LockedRow & {
  receiver: Receiver | null
  opted_out: boolean
  lead: EntityDictionary<Lead> | null
  is_paid: boolean
}

/** What a claim depends on. */
export type Claimable = Locked & {
  /** Null when the message goes to nobody we know. */
  receiver: Receiver | null
  /** They, or the number of nobody we know, said STOP. */
  optedOut: boolean
  /** For a reveal only. */
  lead: Lead | null
  /** For a reveal: a payment for it is kept. */
  isPaid: boolean
}

/**
 * Locks what a claim depends on, and reads it once it is locked. The receiver's row is share-locked, so that a STOP is
 * either seen here or waits until this claim is committed.
 *
 * @throws {Error} when the message does not exist
 */
export async function lockForClaim(tx: EntityManager, messageId: number): Promise<Claimable> {
  const [row] = await tx.execute<ClaimRow[]>(
    `select from providers where id = (select provider_id from outbound_messages where id = ?) for share;
     ${LOCK}
     select to_json(m) as message, (select to_json(u) from lead_unlocks u where id = m.unlock_id) as unlock,
       (select to_json(l) from leads l where m.purpose = 'reveal'
         and id = (select lead_id from lead_unlocks where id = m.unlock_id)) as lead,
       m.purpose = 'reveal' and exists (select from payments where unlock_id = m.unlock_id and status = 'kept') as is_paid,
       app_now() as db_now,
       (select json_build_object('name', name, 'phone', phone, 'timeZone', time_zone)
         from providers where id = m.provider_id) as receiver,
       case when m.provider_id is null then exists (select from stopped_numbers where phone = m.phone)
         else (select opted_out_at is not null from providers where id = m.provider_id) end as opted_out
     from outbound_messages m where id = ?`,
    [messageId, messageId, messageId, messageId],
  )
  if (row === undefined) throw new Error(`message ${messageId} does not exist`)
  const { receiver, opted_out: optedOut, lead, is_paid: isPaid } = row
  return { ...asEntities(tx, row), receiver, optedOut, lead: lead && tx.map(Lead, lead), isPaid }
}
