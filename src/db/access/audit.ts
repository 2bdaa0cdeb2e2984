import type { Role } from '../../domain/roles.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** On whose behalf something is done. */
export type Actor = {
  /**
   * Which API key, by name; `admin` and `operator` are those of the environment, `cli` is the command line, and
   * `retention` the job that erases what is old.
   */
  keyName: string
  /** The key's role; null where there is no key. */
  role: Role | null
  requestId: string | null
}

type NewEntry = Actor & {
  /** What was done, e.g. `lead.read_locked`. */
  action: string
  /** To what, by id, e.g. `lead:lead_abc12345`. Never content. */
  target: string
}

/** Writes who did what to which record. Where the entry is the condition of an answer, write it before answering. */
export async function recordAudit(em: EntityManager, entry: NewEntry): Promise<void> {
  const { keyName, role, action, target, requestId } = entry
  await em.execute('insert into audit_log (key_name, role, action, target, request_id) values (?, ?, ?, ?, ?)', [
    keyName,
    role,
    action,
    target,
    requestId,
  ])
}
