import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const Escalation = defineEntity({
  name: 'Escalation',
  tableName: 'escalations',
  properties: {
    id: p.integer().primary().autoincrement(),
    kind: p.string(),
    subject: p.string(),
    unlockId: p.integer().nullable(),
    summary: p.string(),
    openedAt: p.datetime().defaultRaw('app_now()'),
    alertedAt: p.datetime().nullable(),
    resolvedAt: p.datetime().nullable(),
    resolvedBy: p.string().nullable(),
    note: p.string().nullable(),
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime().defaultRaw('app_now()'),
  },
})
export type Escalation = InferEntity<typeof Escalation>
