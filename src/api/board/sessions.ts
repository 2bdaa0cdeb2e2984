import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { MikroORM } from '@mikro-orm/postgresql'
import type { Actor } from '../../db/access/audit.ts'
import { beginSession, endSession, findSession } from '../../db/access/board-sessions.ts'
import { hashApiKey } from '../../domain/api-key.ts'
import { isSameSecret } from '../../domain/same-secret.ts'
import type { Caller } from '../auth/caller.ts'
import { ENVIRONMENT_CALLERS, type EnvironmentKeys, findEnvironmentKey } from '../auth/environment-keys.ts'

const TOKEN_BYTES = 32
const TOKEN = /^[A-Za-z0-9_-]{43}$/

export type Sessions = {
  /**
   * Signs somebody in with a key that was recognised.
   *
   * @returns the token for their browser's cookie; null when the key was revoked a moment ago
   */
  begin(key: string, by: Actor): Promise<string | null>
  /** @returns whose session the token stands for; null when it is unknown, over, or its key is not in use any more */
  find(token: string): Promise<Caller | null>
  /** Ends the session, if it is one; audited under the name of its key. */
  end(token: string, requestId: string): Promise<void>
}

/**
 * Sign-ins to the queue board, in Postgres so that they hold on every process. The token is kept by the browser alone: here
 * is its hash. A session lives as long as its key: one of the table until it is revoked, one of the environment as long as
 * it is configured, which an HMAC of the key under the token shows without storing anything that could be guessed from.
 */
export function createSessions(db: MikroORM, environment: EnvironmentKeys): Sessions {
  const find = async (token: string): Promise<Caller | null> => {
    if (!TOKEN.test(token)) return null
    const session = await findSession(db.em.fork(), hashOf(token))
    if (session === null) return null
    if ('apiKey' in session) {
      const { id, name, role } = session.apiKey
      return { id: `key:${id}`, name, role }
    }
    const key = environment[session.environmentKey]
    if (key === null || !isSameSecret(proofOf(token, key), session.keyProof)) return null
    return ENVIRONMENT_CALLERS[session.environmentKey]
  }
  return {
    find,
    async begin(key, by) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const name = findEnvironmentKey(environment, key)
      const sessionKey =
        name === null ? { apiKeyHash: hashApiKey(key) } : { environmentKey: name, keyProof: proofOf(token, key) }
      return (await beginSession(db.em, hashOf(token), sessionKey, by)) ? token : null
    },
    async end(token, requestId) {
      const caller = await find(token)
      if (caller === null) return
      await endSession(db.em, hashOf(token), { keyName: caller.name, role: caller.role, requestId })
    },
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function proofOf(token: string, key: string): string {
  return createHmac('sha256', token).update(key).digest('hex')
}
