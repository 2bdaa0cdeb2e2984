import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { inTime } from '../../in-time.ts'
import { DEFAULT_PREFIX } from '../../queues/connection.ts'
import type { ApiDeps, App } from '../deps.ts'

export type Rule = {
  /** Part of the key in Redis. */
  name: string
  /** Allowed in a minute. */
  max: number
  /** Whom a request is counted for: a word that is no secret, because it is a key in Redis. */
  countedFor(request: FastifyRequest): string
}

export type Counted = {
  exceeded: boolean
  max: number
  remaining: number
  /** Until counting starts anew. */
  secondsLeft: number
}

/** Counts a request, and tells what it came to. Answers within a second, and never throws. */
export type Limiter = (request: FastifyRequest) => Promise<Counted>

const WINDOW_MS = 60_000
/** Longest that an answer waits for Redis to count. */
const PATIENCE_MS = 1_000
/** How long a Redis that did not count is left alone: one that hangs slows down a request now and then, not each. */
const LEFT_ALONE_MS = 5_000

/**
 * Counts in Redis, so that any number of API processes have one limit together. While Redis is away each counts for
 * itself: the limit is then as many times as high, but there is one, and nobody waits.
 */
export async function createLimiter(
  app: App,
  { redis, redisPrefix = DEFAULT_PREFIX }: Pick<ApiDeps, 'redis' | 'redisPrefix'>,
  { name, max, countedFor }: Rule,
): Promise<Limiter> {
  const rule = { global: false, max, timeWindow: WINDOW_MS, keyGenerator: countedFor }
  const together = await createCounter(app, { ...rule, redis, nameSpace: `${redisPrefix}:limit:${name}:` })
  const alone = await createCounter(app, rule)
  let leftAloneUntil = 0
  return async (request) => {
    if (redis.status !== 'ready' || performance.now() < leftAloneUntil) return alone(request)
    try {
      return await inTime(together(request), PATIENCE_MS, () => {
        throw new Error('Redis did not answer in time')
      })
    } catch (error) {
      leftAloneUntil = performance.now() + LEFT_ALONE_MS
      request.log.warn({ operation: 'limit', err: error }, 'Redis did not count: this process counts for itself')
      return alone(request)
    }
  }
}

/** In a scope of its own: the plugin has one store for each. */
async function createCounter(app: App, options: object): Promise<Limiter> {
  let count: ReturnType<App['createRateLimit']> | undefined
  await app.register(async (scope) => {
    await scope.register(rateLimit, options)
    count = scope.createRateLimit()
  })
  return async (request) => {
    const counted = await count?.(request)
    if (counted === undefined || counted.isAllowed) throw new Error('the rate limit did not count')
    const { isExceeded: exceeded, max, remaining, ttlInSeconds } = counted
    return { exceeded, max, remaining, secondsLeft: Math.max(1, ttlInSeconds) }
  }
}
