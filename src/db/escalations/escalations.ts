import type { Due } from '../../domain/due.ts'
import { GRACE_MS } from '../due/parking.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** What a person must look at; docs/runbook.md says for each what to do. */
export const ESCALATION_KINDS = [
  'reveal_failed',
  'reveal_undeliverable',
  'teaser_failed',
  'payment_link_failed',
  'message_refused',
  'paid_after_opt_out',
  'opted_out_before_reveal',
  'paid_after_erasure',
  'second_payment',
  'wrong_amount',
  'unknown_unlock',
  'refund_failed',
  'link_not_closed',
  'dispute',
  'unintelligible_webhook',
  'inbox_failed',
  'forward_failed',
  'unsubscribe_failed',
  'expire_failed',
  'stuck',
] as const
export type EscalationKind = (typeof ESCALATION_KINDS)[number]

export type NewEscalation = {
  kind: EscalationKind
  /**
   * What it is about: `unlock:12`, `payment:7`, `dispute:dp_1`, `refund:re_1`, `link:3`, `inbox:44`, `message:9`,
   * `provider:p60`; of a row that is stuck its table, `outbound_messages:9`.
   */
  subject: string
  unlockId?: number | null
  /** One line for the alert; never contact details. */
  summary: string
}

/**
 * Opens an escalation unless one for the same kind and subject is open. Returns the alert that is due, if it was opened: the
 * sweep leaves it to its job at first, or a sweep in between would have the operators told twice.
 */
export async function openEscalation(tx: EntityManager, escalation: NewEscalation): Promise<Due[]> {
  const rows = await tx.execute<{ id: number }[]>(
    `insert into escalations (kind, subject, unlock_id, summary, next_attempt_at)
     values (?, ?, ?, ?, app_now() + make_interval(secs => ?))
     on conflict (kind, subject) where resolved_at is null do nothing returning id`,
    [escalation.kind, escalation.subject, escalation.unlockId ?? null, escalation.summary, GRACE_MS / 1000],
  )
  return rows.map(({ id }) => ({ job: 'alert', escalation_id: id }))
}

/** Whether a person is called about `subject`, and nobody has resolved it. */
export async function isOpen(em: EntityManager, kind: EscalationKind, subject: string): Promise<boolean> {
  const rows = await em.execute<object[]>(
    'select from escalations where kind = ? and subject = ? and resolved_at is null',
    [kind, subject],
  )
  return rows.length > 0
}

/** Resolves the open escalations of these kinds about `subject`, because what was wrong is mended. */
export async function resolveEscalations(
  tx: EntityManager,
  kinds: readonly EscalationKind[],
  subject: string,
  resolvedBy: string,
): Promise<void> {
  await tx.execute(
    `update escalations set resolved_at = app_now(), resolved_by = ?
     where resolved_at is null and subject = ? and kind in ${oneOf(kinds)}`,
    [resolvedBy, subject],
  )
}
