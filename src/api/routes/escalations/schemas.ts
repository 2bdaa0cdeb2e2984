import { type Static, Type } from 'typebox'
import type { Escalation } from '../../../db/entities/index.ts'
import { NullableText, NullableTimestamp, Timestamp } from '../../fields.ts'

export const EscalationSchema = Type.Object({
  id: Type.Integer(),
  kind: Type.String(),
  subject: Type.String({ description: 'What it is about, such as unlock:12 or inbox:44' }),
  unlock_id: Type.Union([Type.Integer(), Type.Null()]),
  summary: Type.String(),
  opened_at: Timestamp,
  alerted_at: NullableTimestamp,
  resolved_at: NullableTimestamp,
  resolved_by: NullableText,
  note: NullableText,
})

export function escalationView(escalation: Escalation): Static<typeof EscalationSchema> {
  return {
    id: escalation.id,
    kind: escalation.kind,
    subject: escalation.subject,
    unlock_id: escalation.unlockId ?? null,
    summary: escalation.summary,
    opened_at: escalation.openedAt.toISOString(),
    alerted_at: escalation.alertedAt?.toISOString() ?? null,
    resolved_at: escalation.resolvedAt?.toISOString() ?? null,
    resolved_by: escalation.resolvedBy ?? null,
    note: escalation.note ?? null,
  }
}
