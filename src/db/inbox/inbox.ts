import type { EntityDictionary } from '@mikro-orm/core'
import type { Due } from '../../domain/due.ts'
import { PARKED_UNTIL } from '../due/parking.ts'
import { InboxRow } from '../entities/index.ts'
import { type EscalationKind, openEscalation, resolveEscalations } from '../escalations/escalations.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'

/**
 * Locks an inbox row for handling.
 *
 * @param status the status it must have; any other means that somebody handled it already
 * @returns null when there is nothing to do
 */
export async function lockInboxRow(
  tx: EntityManager,
  inboxId: number,
  status: InboxRow['status'],
): Promise<InboxRow | null> {
  const [row] = await lockRows(tx, 'webhook_inbox where id = ?', inboxId)
  return row?.status === status ? row : null
}

/** @param of a table and a condition with one value */
async function lockRows(tx: EntityManager, of: string, value: unknown): Promise<InboxRow[]> {
  const rows = await tx.execute<EntityDictionary<InboxRow>[]>(
    `select *, app_now() as db_now from ${of} order by id for update`,
    [value],
  )
  return rows.map((row) => tx.map(InboxRow, row))
}

/** When it was sent, or paid, by its gateway's word, never later than it came; without one, when it came. */
export function sentAtOf({ sentAt, receivedAt }: InboxRow): Date {
  return sentAt ?? receivedAt
}

/** The row is handled. @param outcome one word for people: `yes`, `ignored`, `forwarded` */
export async function markProcessed(tx: EntityManager, row: InboxRow, outcome: string): Promise<void> {
  const wasGivenUp = row.outcome != null
  row.status = 'processed'
  row.outcome = outcome
  row.processedAt = row.dbNow
  // A receipt quotes the whole text, which for a reveal is the contact details; what it says of it is recorded.
  if (row.source === 'textmagic_delivery') row.sealedBody = null
  // `markFailed` left an outcome together with the escalation.
  if (wasGivenUp) await resolveEscalations(tx, ['inbox_failed', 'forward_failed'], `inbox:${row.id}`, 'handled')
}

/** The same for a row that the caller has not locked; one that somebody else has handled stays as it is. */
export async function finishInboxRow(
  em: EntityManager,
  inboxId: number,
  status: InboxRow['status'],
  outcome: string,
): Promise<void> {
  await inTransaction(em, async (tx) => {
    const row = await lockInboxRow(tx, inboxId, status)
    if (row !== null) await markProcessed(tx, row, outcome)
  })
}

/** Outcome of a row that told of something we know nothing of, however long we waited for it. */
export const UNMATCHED = 'unmatched'

/** The events about a payment that came before it, those that were given up on included. @param `?` its intent */
export const EARLY_EVENTS = `webhook_inbox where payment_intent_id = ? and sealed_body is not null
  and (status = 'received' or outcome = '${UNMATCHED}')`

/** Locks them, oldest first. */
export function lockEarlyEvents(tx: EntityManager, paymentIntentId: string): Promise<InboxRow[]> {
  return lockRows(tx, EARLY_EVENTS, paymentIntentId)
}

/** The row could not be handled: it is kept, and a person is called. A retry of its job finds it again. */
export async function markFailed(
  tx: EntityManager,
  inboxId: number,
  kind: Extract<EscalationKind, 'inbox_failed' | 'forward_failed'>,
  code: string,
): Promise<Due[]> {
  const rows = await tx.execute<{ source: string }[]>(
    `update webhook_inbox set next_attempt_at = ?, outcome = ?
     where id = ? and status = ? returning source`,
    // One that another worker has handled is no concern of the attempt that failed.
    [PARKED_UNTIL, `failed: ${code}`, inboxId, kind === 'forward_failed' ? 'forwarding' : 'received'],
  )
  const [row] = rows
  if (row === undefined) return []
  return openEscalation(tx, {
    kind,
    subject: `inbox:${inboxId}`,
    summary: `${row.source} message ${inboxId} could not be ${kind === 'forward_failed' ? 'forwarded' : 'handled'} (${code}).`,
  })
}
