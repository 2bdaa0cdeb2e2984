import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { readKey } from '../support/redis-contents.ts'

export type RedisDatabase = {
  url: string
  /** Every key and everything under it, as text. */
  dump(): Promise<string[]>
  /** Empties it and gives it back. */
  close(): Promise<void>
}

/** Redis has 16 databases unless told otherwise; 0 belongs to the tests that use key prefixes. */
const LAST = 15
/** A claim of a run that was killed ends by itself, seconds. */
const CLAIM_SECONDS = 900

/**
 * A Redis database of the caller's own: the product's processes fix their keys' prefix, so two of their kind on one
 * database would take each other's jobs.
 */
export async function claimRedisDatabase(): Promise<RedisDatabase> {
  const directory = new Redis(inject('redisUrl'))
  try {
    for (let number = 1; number <= LAST; number += 1) {
      const claim = `acceptance_database_${number}`
      if ((await directory.set(claim, '1', 'EX', CLAIM_SECONDS, 'NX')) === null) continue
      const url = new URL(inject('redisUrl'))
      url.pathname = `/${number}`
      const redis = new Redis(url.href)
      if ((await redis.dbsize()) > 0) {
        // Somebody else's, or left behind by a killed run: either way not ours to empty. The claim keeps it marked.
        redis.disconnect()
        continue
      }
      return {
        url: url.href,
        dump: () => dump(redis),
        async close() {
          await redis.flushdb()
          await directory.del(claim)
          redis.disconnect()
          directory.disconnect()
        },
      }
    }
    throw new Error(`none of the Redis databases 1 to ${LAST} is free`)
  } catch (error) {
    directory.disconnect()
    throw error
  }
}

async function dump(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('*')
  return Promise.all(keys.map(async (key) => `${key} ${JSON.stringify(await readKey(redis, key))}`))
}
