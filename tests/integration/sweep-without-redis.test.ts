import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { createLogger } from '../../src/logging.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import { checkStores } from '../../src/readiness.ts'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { sweepOnce } from '../../src/workers/jobs/sweep.ts'
import { openServices } from '../../src/workers/services.ts'
import { startRedisServer } from '../faults/redis-server.ts'
import { temporaryState } from '../faults/state.ts'
import { type Product, startProduct } from '../support/product.ts'

let product: Product

beforeEach(async () => {
  product = await startProduct({ workers: false })
})
afterEach(() => product.close())

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
    expect(await sweepOnce(services, 'sweep:1')).toBe(0)
    expect(await messages()).toEqual(before)
  } finally {
    redis.disconnect()
    await close()
  }

  await product.startMoreWorkers()
  await product.reaches(unlocks.provider60 ?? 0, 'AWAIT_CONFIRM')
})

it('while Redis takes what is asked and does not answer, the process says that it is not ready', async () => {
  const silent = { takesWrites: () => new Promise<boolean>(() => undefined) }
  expect(await checkStores(product.db, silent)).toEqual({ database: 'ok', migrations: 'ok', redis: 'failed' })
})

it('while Redis answers and takes nothing in, full or a replica, the sweep puts nothing off and the process is not ready', async () => {
  await product.offer(['provider60'])
  await product.rows('update outbound_messages set next_attempt_at = app_now()')
  const messages = () => product.rows('select attempts, next_attempt_at from outbound_messages')
  const before = await messages()

  const state = await temporaryState()
  onTestFinished(() => state.close())
  const server = await startRedisServer(state.dir)
  onTestFinished(() => server.stop())
  const redis = producerConnection(server.url)
  redis.on('error', () => undefined)
  await once(redis, 'ready')
  const logger = createLogger({ name: 'test', level: 'silent' })
  const { services, close } = await openServices(product.config, redis, logger, { prefix: product.redisPrefix })
  const admin = new Redis(server.url)
  try {
    await admin.config('SET', 'maxmemory', '1')
    expect(await services.publisher.isReachable()).toBe(true)
    expect(await sweepOnce(services, 'sweep:1')).toBe(0)
    expect((await checkStores(services.db, services.publisher)).redis).toBe('failed')
    expect(await messages()).toEqual(before)
    await admin.config('SET', 'maxmemory', '0')
    expect((await checkStores(services.db, services.publisher)).redis).toBe('ok')
  } finally {
    admin.disconnect()
    redis.disconnect()
    await close()
  }
})
