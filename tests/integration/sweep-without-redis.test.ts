import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLogger } from '../../src/logging.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { sweepOnce } from '../../src/workers/jobs/sweep.ts'
import { openServices } from '../../src/workers/services.ts'
import { type Product, startProduct } from '../support/product.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct({ workers: false })
})
afterAll(() => product.close())

it('while Redis is away, the sweep puts nothing off: all of it is woken as soon as Redis is back', async () => {
  const { unlocks } = await product.offer(['provider60'])
  await product.rows('update outbound_messages set next_attempt_at = app_now()')
  const messages = () => product.rows('select attempts, next_attempt_at from outbound_messages')
  const before = await messages()

  const redis = producerConnection(`redis://127.0.0.1:${await freePort()}`)
  redis.on('error', () => undefined)
  const logger = createLogger({ name: 'test', level: 'silent' })
  const { services, close } = await openServices(product.config, redis, logger, { prefix: product.redisPrefix })
  try {
    expect(await sweepOnce(services)).toBe(0)
    expect(await messages()).toEqual(before)
  } finally {
    redis.disconnect()
    await close()
  }

  await product.startMoreWorkers()
  await product.reaches(unlocks.provider60 ?? 0, 'AWAIT_CONFIRM')
})
