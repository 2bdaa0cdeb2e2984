import { Redis } from 'ioredis'
import type { Evidence } from './evidence.ts'

/** Every key of the product's in Redis with what is stored under it, as text. */
export async function redisContents(product: Evidence): Promise<string[]> {
  const redis = new Redis(product.config.redisUrl)
  try {
    const contents: string[] = []
    for (const key of await redisKeys(redis, product))
      contents.push(`${key} ${JSON.stringify(await readKey(redis, key))}`)
    return contents
  } finally {
    redis.disconnect()
  }
}

/** Loses everything the product has in Redis. */
export async function loseRedis(product: Evidence): Promise<void> {
  const redis = new Redis(product.config.redisUrl)
  try {
    const keys = await redisKeys(redis, product)
    if (keys.length > 0) await redis.unlink(keys)
  } finally {
    redis.disconnect()
  }
}

async function redisKeys(redis: Redis, product: Evidence): Promise<string[]> {
  const keys: string[] = []
  for await (const page of redis.scanStream({ match: `*${product.redisPrefix}*`, count: 1_000 })) {
    if (Array.isArray(page)) keys.push(...page.map(String))
  }
  return keys
}

/** What a key holds, whatever type it is of. */
export async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key)
  switch (type) {
    case 'string':
      return redis.get(key)
    case 'hash':
      return redis.hgetall(key)
    case 'list':
      return redis.lrange(key, 0, -1)
    case 'set':
      return redis.smembers(key)
    case 'zset':
      return redis.zrange(key, '0', '-1')
    case 'stream':
      return redis.xrange(key, '-', '+')
    case 'none':
      return 'expired meanwhile'
    default:
      throw new Error(`cannot read a Redis ${type}`)
  }
}
