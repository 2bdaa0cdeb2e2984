import type { EnvironmentKey } from '../../domain/api-key.ts'
import type { Role } from '../../domain/roles.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import { type Actor, recordAudit } from './audit.ts'

/** How long a sign-in lasts, hours, whatever is done meanwhile. */
export const SESSION_HOURS = 8

/** The key somebody signed in with: one of the table by its hash, or one of the environment with a proof that it was right. */
export type SessionKey = { apiKeyHash: string } | { environmentKey: EnvironmentKey; keyProof: string }

/** Whose session it is. */
export type Session =
  | { apiKey: { id: number; name: string; role: Role } }
  | { environmentKey: EnvironmentKey; keyProof: string }

/**
 * Stores a sign-in, audited in the same transaction, and clears away those that are over.
 *
 * @param tokenHash stands for the secret that the browser keeps
 * @returns false when the key was revoked meanwhile: nothing was stored
 */
export function beginSession(em: EntityManager, tokenHash: string, key: SessionKey, by: Actor): Promise<boolean> {
  return inTransaction(em, async (tx) => {
    await tx.execute('delete from board_sessions where expires_at <= app_now()')
    const expiry = `app_now() + interval '${SESSION_HOURS} hours'`
    const begun =
      'apiKeyHash' in key
        ? await tx.execute<object[]>(
            `insert into board_sessions (token_hash, api_key_id, expires_at)
             select ?, id, ${expiry} from api_keys where hash = ? and revoked_at is null returning token_hash`,
            [tokenHash, key.apiKeyHash],
          )
        : await tx.execute<object[]>(
            `insert into board_sessions (token_hash, environment_key, key_proof, expires_at)
             values (?, ?, ?, ${expiry}) returning token_hash`,
            [tokenHash, key.environmentKey, key.keyProof],
          )
    if (begun.length === 0) return false
    await recordAudit(tx, { ...by, action: 'board.sign_in', target: 'board' })
    return true
  })
}

/** @returns the session, unless it is over or its key was revoked */
export async function findSession(em: EntityManager, tokenHash: string): Promise<Session | null> {
  const [row] = await em.execute<SessionRow[]>(
    `select k.id, k.name, k.role, s.environment_key, s.key_proof
     from board_sessions s left join api_keys k on k.id = s.api_key_id and k.revoked_at is null
     where s.token_hash = ? and s.expires_at > app_now()`,
    [tokenHash],
  )
  if (row === undefined) return null
  if (row.environment_key !== null) return { environmentKey: row.environment_key, keyProof: row.key_proof }
  return row.id === null ? null : { apiKey: { id: row.id, name: row.name, role: row.role } }
}

type SessionRow = ({ id: number; name: string; role: Role } | { id: null }) &
  ({ environment_key: EnvironmentKey; key_proof: string } | { environment_key: null })

/** Ends a session, audited in the same transaction; one that is over already is left as it is. */
export function endSession(em: EntityManager, tokenHash: string, by: Actor): Promise<void> {
  return inTransaction(em, async (tx) => {
    const ended = await tx.execute<object[]>('delete from board_sessions where token_hash = ? returning token_hash', [
      tokenHash,
    ])
    if (ended.length > 0) await recordAudit(tx, { ...by, action: 'board.sign_out', target: 'board' })
  })
}
