import type { EntityManager } from '../postgres/orm.ts'
import type { Sealer } from '../sealing/sealing.ts'

/** The key was used before, with another body. */
export class IdempotencyConflictError extends Error {
  override readonly name = 'IdempotencyConflictError'
  readonly code = 'idempotency_conflict'
}

/**
 * Does `work` once per key and gives every repetition the first one's result. The key and the work commit together, so
 * work that failed leaves no key; of two calls at once the second waits for the first to commit.
 *
 * @param tx an open transaction
 * @param body what was asked for, in one canonical text; only its fingerprint is stored, because it holds locked fields
 * @param work runs in the same transaction; its result must be JSON and hold no locked field
 * @throws {IdempotencyConflictError} when the key stands for another body
 */
export async function oncePerKey<T>(
  tx: EntityManager,
  sealer: Sealer,
  key: string,
  body: string,
  work: () => Promise<T>,
): Promise<{ result: T; replayed: boolean }> {
  const taken = await tx.execute<{ key: string }[]>(
    `insert into idempotency_keys (key, fingerprint, response) values (?, ?, 'null')
     on conflict (key) do nothing returning key`,
    [key, sealer.fingerprint(body)],
  )
  if (taken.length === 0) {
    const kept = await keptOf<T>(tx, key)
    // It ended between the two statements.
    if (kept === undefined) return oncePerKey(tx, sealer, key, body, work)
    if (!sealer.matches(kept.fingerprint, body)) {
      throw new IdempotencyConflictError('the idempotency key was used with another body')
    }
    return { result: kept.response, replayed: true }
  }
  const result = await work()
  await tx.execute('update idempotency_keys set response = ?::jsonb where key = ?', [JSON.stringify(result), key])
  return { result, replayed: false }
}

async function keptOf<T>(tx: EntityManager, key: string): Promise<{ fingerprint: string; response: T } | undefined> {
  const [row] = await tx.execute<{ fingerprint: string; response: T }[]>(
    'select fingerprint, response from idempotency_keys where key = ?',
    [key],
  )
  return row
}
