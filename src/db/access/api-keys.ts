import { LockMode } from '@mikro-orm/core'
import type { Role } from '../../domain/roles.ts'
import { ApiKey } from '../entities/index.ts'
import { databaseNow } from '../postgres/clock.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import { type Actor, recordAudit } from './audit.ts'

/** A key in use, as a request needs it. */
export type KnownKey = {
  id: number
  name: string
  role: Role
  /** Its use was not noted within the last minute. */
  useToNote: boolean
}

/** SQL for a key whose use was not noted within the last minute. */
const USE_TO_NOTE = `coalesce(last_used_at <= app_now() - interval '1 minute', true)`

/** @returns the key with this hash, unless there is none or it was revoked */
export async function findApiKey(em: EntityManager, hash: string): Promise<KnownKey | null> {
  const [key] = await em.execute<KnownKey[]>(
    `select id, name, role, ${USE_TO_NOTE} as "useToNote" from api_keys where hash = ? and revoked_at is null`,
    [hash],
  )
  return key ?? null
}

/** Notes that a key was used, at most once a minute however many processes see it. */
export async function noteKeyUse(em: EntityManager, id: number): Promise<void> {
  await em.execute(`update api_keys set last_used_at = app_now() where id = ? and ${USE_TO_NOTE}`, [id])
}

/** Another key in use has this name. */
export class KeyNameTakenError extends Error {
  override readonly name = 'KeyNameTakenError'
  readonly code = 'key_name_taken'

  constructor(keyName: string) {
    super(`there is a key named ${keyName} already`)
  }
}

/**
 * Stores a new key by its hash, audited in the same transaction.
 *
 * @param name as `keyNameProblem` allows it
 * @throws {KeyNameTakenError} nothing was stored
 */
export function createApiKey(
  em: EntityManager,
  key: { name: string; role: Role; hash: string },
  by: Actor,
): Promise<ApiKey> {
  return inTransaction(em, async (tx) => {
    const [created] = await tx.execute<{ id: number }[]>(
      `insert into api_keys (name, role, hash) values (?, ?, ?)
       on conflict (name) where revoked_at is null do nothing returning id`,
      [key.name, key.role, key.hash],
    )
    if (created === undefined) throw new KeyNameTakenError(key.name)
    await recordAudit(tx, { ...by, action: 'key.create', target: `key:${created.id}` })
    return tx.findOneOrFail(ApiKey, { id: created.id })
  })
}

/** Every key, oldest first, those revoked included. */
export function listApiKeys(em: EntityManager): Promise<ApiKey[]> {
  return em.find(ApiKey, {}, { orderBy: { id: 'asc' } })
}

/**
 * Ends a key and the sign-ins made with it, audited in the same transaction. One that is revoked already keeps its time.
 *
 * @param which its id, or the name of a key in use
 * @returns the key, or null when there is no such one
 */
export function revokeApiKey(em: EntityManager, which: number | string, by: Actor): Promise<ApiKey | null> {
  return inTransaction(em, async (tx) => {
    const condition = typeof which === 'number' ? { id: which } : { name: which, revokedAt: null }
    const key = await tx.findOne(ApiKey, condition, { lockMode: LockMode.PESSIMISTIC_WRITE })
    if (key === null || key.revokedAt != null) return key
    key.revokedAt = await databaseNow(tx)
    await tx.execute('delete from board_sessions where api_key_id = ?', [key.id])
    await recordAudit(tx, { ...by, action: 'key.revoke', target: `key:${key.id}` })
    return key
  })
}
