import { Escalation } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'

/**
 * Escalations, newest first, with ids below `before`.
 *
 * @param state which of them: those that wait for a person, those that are resolved, or all
 */
export function listEscalations(
  em: EntityManager,
  state: 'open' | 'resolved' | 'all',
  before: number | null,
  limit: number,
): Promise<Escalation[]> {
  return em.find(
    Escalation,
    {
      ...(state === 'all' ? {} : { resolvedAt: state === 'open' ? null : { $ne: null } }),
      ...(before === null ? {} : { id: { $lt: before } }),
    },
    { orderBy: { id: 'desc' }, limit },
  )
}
