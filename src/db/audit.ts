import type { EntityManager } from './orm.ts'

export type AuditEntry = {
  /** Which API key, by name: `admin` or `operator`. */
  keyName: string
  /** What was done, e.g. `lead.read_locked`. */
  action: string
  /** To what, by id, e.g. `lead:lead_abc12345`. Never content. */
  target: string
  requestId?: string | null
}

/** Writes who did what to which record. Where the entry is the condition of an answer, write it before answering. */
export async function recordAudit(em: EntityManager, entry: AuditEntry): Promise<void> {
  await em.execute('insert into audit_log (key_name, action, target, request_id) values (?, ?, ?, ?)', [
    entry.keyName,
    entry.action,
    entry.target,
    entry.requestId ?? null,
  ])
}
