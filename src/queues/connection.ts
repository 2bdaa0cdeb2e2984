import { Redis } from 'ioredis'

/** All keys of this product; the braces keep them in one slot of a cluster. */
export const DEFAULT_PREFIX = '{lead-unlock}'

/**
 * A connection for producers: fails at once when Redis is away, because Postgres already holds the truth and the sweep
 * finds it. Callers must listen to its `error` events.
 */
export function producerConnection(url: string): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  })
}

/** A connection for workers: waits for Redis as long as it takes (BullMQ asks for `maxRetriesPerRequest: null`). */
export function workerConnection(url: string): Redis {
  return new Redis(url, { maxRetriesPerRequest: null, retryStrategy: (times) => Math.min(times * 100, 2_000) })
}

/** Redis would throw jobs away under memory pressure. */
export class EvictionPolicyError extends Error {
  readonly code = 'redis_evicts'
}

/**
 * @throws {EvictionPolicyError} unless Redis says `noeviction`; a server that does not tell (CONFIG is disabled at some
 *   hosts) is asked through INFO, which every one answers
 */
export async function requireNoEviction(redis: Redis): Promise<void> {
  const info = await redis.info('memory')
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    throw new EvictionPolicyError(`Redis maxmemory-policy is ${policy}; it must be noeviction or jobs get lost`)
  }
}
