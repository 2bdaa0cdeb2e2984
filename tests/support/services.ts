import { createLogger } from '../../src/logging.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import type { WorkerServices } from '../../src/workers/deps.ts'
import { openServices } from '../../src/workers/services.ts'
import type { Product } from './product.ts'
import { testRedis } from './stores.ts'

/** Runs jobs by hand, beside the workers. */
export async function withServices(
  { config, redisPrefix: prefix }: Pick<Product, 'config' | 'redisPrefix'>,
  work: (services: WorkerServices) => Promise<void>,
): Promise<void> {
  const redis = producerConnection(testRedis().url)
  redis.on('error', () => undefined)
  const logger = createLogger({ name: 'test', level: 'silent' })
  const { services, close } = await openServices(config, redis, logger, { prefix })
  try {
    await work(services)
  } finally {
    await close()
    redis.disconnect()
  }
}
