import type { Config } from '../config.ts'
import { openDatabase } from '../db/postgres/orm.ts'
import { ANSWERS_WITHIN_MS } from '../db/postgres/silent-connections.ts'
import { createSealer } from '../db/sealing/sealing.ts'
import type { Logger } from '../logging.ts'
import { showProcess } from '../metrics/process.ts'
import { producerConnection } from '../queues/connection.ts'
import { EvictionPolicyError, requireNoEviction } from '../queues/eviction-policy.ts'
import { createPublisher } from '../queues/publisher.ts'
import { apiConfigOf } from './api-config.ts'
import { buildApp } from './app.ts'
import { measureApi } from './measure.ts'

/** Connections to Postgres of one API process, unless configured. */
const POOL_SIZE = 10

export type RunningApi = {
  /** Where it listens; the one that was free when the configuration says 0. */
  port: number
  /** Stops listening, finishes what is being answered, then lets go of Redis and Postgres, in this order. */
  close(): Promise<void>
}

/**
 * Composes the API process and makes it listen on all IPv4 addresses. It starts also while Postgres or Redis is away, and
 * says so at /readyz: migrations are not its business, and webhooks need Postgres alone.
 *
 * @param onFatal told when it turns out that this process must not go on: Redis would throw jobs away
 */
export async function startApi(config: Config, logger: Logger, onFatal: (error: Error) => void): Promise<RunningApi> {
  const db = await openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize ?? POOL_SIZE,
    answersWithinMs: ANSWERS_WITHIN_MS,
  })
  const redis = producerConnection(config.redisUrl)
  redis.on('error', (error) => logger.warn({ operation: 'redis', err: error }, 'connection to Redis failed'))
  redis.on('ready', () => {
    requireNoEviction(redis).catch((error: unknown) => {
      if (error instanceof EvictionPolicyError) onFatal(error)
      else logger.warn({ operation: 'redis', err: error }, 'could not ask Redis for its eviction policy')
    })
  })
  const publisher = createPublisher(redis, (error, job, request_id) => {
    metrics.wakeUps.lost(job)
    logger.warn(
      { request_id, operation: 'publish', job, err: error },
      'a wake-up was not published; the sweep repeats it',
    )
  })
  const metrics = measureApi(db, publisher, logger)
  showProcess(metrics.registry, 'api')
  const app = await buildApp({
    db,
    sealer: createSealer(config.encryptionKeys),
    publisher,
    redis,
    logger,
    metrics,
    config: apiConfigOf(config),
  })
  const close = async () => {
    await app.close()
    await publisher.close()
    redis.disconnect()
    await db.close(true)
  }
  try {
    await app.listen({ host: '0.0.0.0', port: config.port })
    const address = app.server.address()
    return { port: typeof address === 'object' && address !== null ? address.port : config.port, close }
  } catch (error) {
    await close()
    throw error
  }
}
