import type { MikroORM } from '@mikro-orm/postgresql'
import type { FastifyBaseLogger } from 'fastify'
import { findApiKey, noteKeyUse } from '../../db/access/api-keys.ts'
import { hashApiKey, isApiKey } from '../../domain/api-key.ts'
import type { Caller } from './caller.ts'

/** How long a process believes in a key it has looked up: a revoked one is refused everywhere after this. */
const BELIEVED_MS = 5_000
/** Keys remembered at most; beyond it the one looked up first is looked up again. */
const REMEMBERED = 1_000

export type StoredKeys = {
  /**
   * @returns whose key it is, or null for a key that is unknown or revoked
   * @throws when Postgres cannot be asked
   */
  find(presented: string): Promise<Caller | null>
  /** Waits until what was noted about the keys is written. */
  settled(): Promise<void>
}

/**
 * The keys in Postgres. Only those found are remembered, so that a new key works at once. That a key was used is written
 * beside the request: it neither waits for it nor fails with it.
 *
 * @param now milliseconds of a clock that only goes forward
 */
export function createStoredKeys(
  db: MikroORM,
  log: FastifyBaseLogger,
  now: () => number = () => performance.now(),
): StoredKeys {
  const known = new Map<string, { caller: Caller; until: number }>()
  const writing = new Set<Promise<void>>()

  const note = (id: number) => {
    const written = noteKeyUse(db.em.fork(), id)
      .catch((error: unknown) => log.warn({ operation: 'note-key-use', key_id: id, err: error }, 'not noted'))
      .finally(() => writing.delete(written))
    writing.add(written)
  }

  return {
    async find(presented) {
      if (!isApiKey(presented)) return null
      const hash = hashApiKey(presented)
      const remembered = known.get(hash)
      if (remembered !== undefined && now() < remembered.until) return remembered.caller
      // Counted from before the question: the answer is as old as that.
      const until = now() + BELIEVED_MS
      const key = await findApiKey(db.em.fork(), hash)
      known.delete(hash)
      if (key === null) return null
      const caller = { id: `key:${key.id}`, name: key.name, role: key.role }
      known.set(hash, { caller, until })
      const [oldest] = known.keys()
      if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest)
      if (key.useToNote) note(key.id)
      return caller
    },
    async settled() {
      await Promise.all(writing)
    },
  }
}
