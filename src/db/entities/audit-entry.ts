import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { ROLES } from '../../domain/roles.ts'

/** Append-only: the database refuses to change or delete one. */
export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_log',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    at: p.datetime().defaultRaw('app_now()'),
    keyName: p.string(),
    /** Null where there is no key, and in entries of older versions. */
    role: p.enum([...ROLES]).nullable(),
    action: p.string(),
    target: p.string(),
    requestId: p.string().nullable(),
  },
})
export type AuditEntry = InferEntity<typeof AuditEntry>
