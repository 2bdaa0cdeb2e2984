import { AuditEntry } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'

export type AuditFilter = {
  keyName?: string | undefined
  action?: string | undefined
  target?: string | undefined
  /** Inclusive. */
  from?: Date | undefined
  /** Exclusive. */
  to?: Date | undefined
}

/** Entries of the audit log, newest first, with ids below `before`. Entries that arrive meanwhile shift nothing. */
export function listAudit(
  em: EntityManager,
  filter: AuditFilter,
  before: number | null,
  limit: number,
): Promise<AuditEntry[]> {
  const { keyName, action, target, from, to } = filter
  return em.find(
    AuditEntry,
    {
      ...(keyName === undefined ? {} : { keyName }),
      ...(action === undefined ? {} : { action }),
      ...(target === undefined ? {} : { target }),
      ...(from === undefined && to === undefined
        ? {}
        : { at: { ...(from === undefined ? {} : { $gte: from }), ...(to === undefined ? {} : { $lt: to }) } }),
      ...(before === null ? {} : { id: { $lt: before } }),
    },
    { orderBy: { id: 'desc' }, limit },
  )
}
