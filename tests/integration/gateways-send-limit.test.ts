import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SEND_CLASSES, type SendClass } from '../../src/domain/outbound.ts'
import { createSendLimit, type SendLimit } from '../../src/gateways/send-limit.ts'
import { TAKE_SLOT } from '../../src/gateways/send-limit-script.ts'
import { type TestRedis, testRedis } from '../support/stores.ts'
import { failureOf, unusedUrl } from './gateways-fake-server.ts'

let store: TestRedis
let connections: Redis[]
let limits: SendLimit[]

beforeEach(() => {
  store = testRedis()
  connections = []
  limits = []
})

afterEach(async () => {
  await Promise.all(limits.map((limit) => limit.close()))
  for (const redis of connections) redis.disconnect()
  const redis = new Redis(store.url)
  const keys = await keysOf(redis)
  if (keys.length > 0) await redis.unlink(keys)
  redis.disconnect()
  await store.close()
})

function connect(): Redis {
  const redis = new Redis(store.url, { maxRetriesPerRequest: null })
  connections.push(redis)
  return redis
}

function limitOf(perSecond: number, maxWaitMs = 20_000, redis = connect()): SendLimit {
  const limit = createSendLimit({ redis, prefix: `{${store.prefix}}`, perSecond, maxWaitMs })
  limits.push(limit)
  return limit
}

function keysOf(redis: Redis): Promise<string[]> {
  return redis.keys(`{${store.prefix}}*`)
}

/** Waits until this many calls stand in the queue. */
async function untilWaiting(redis: Redis, count: number): Promise<void> {
  await vi.waitFor(async () => expect(await redis.zcard(`{${store.prefix}}:send-limit:queue`)).toBe(count), {
    timeout: 5_000,
    interval: 5,
  })
}

/** The most of these instants (ms) that lie within any one second. */
function mostPerSecond(instants: number[]): number {
  const sorted = instants.toSorted((a, b) => a - b)
  return Math.max(...sorted.map((start) => sorted.filter((at) => at >= start && at < start + 1_000).length))
}

test('no second holds more calls than the limit, over all processes', async () => {
  const clients = [limitOf(20), limitOf(20)]
  const granted: number[] = []
  const calls = Array.from({ length: 60 }, async (_, index) => {
    await clients[index % 2]?.acquire('teaser')
    granted.push(performance.now())
  })
  await Promise.all(calls)
  expect(granted).toHaveLength(60)
  expect(mostPerSecond(granted)).toBeLessThanOrEqual(20)
})

test('a single call does not wait', async () => {
  // Its turn after another would come in hours.
  await limitOf(0.0001).acquire('teaser')
})

test('a call of a higher class goes before every waiting call of a lower one, of any process', async () => {
  const [ours, theirs] = [limitOf(2), limitOf(2)]
  const redis = connect()
  await ours.acquire('teaser')
  const order: SendClass[] = []
  const call = async (limit: SendLimit, sendClass: SendClass) => {
    await limit.acquire(sendClass)
    order.push(sendClass)
  }
  const calls = [call(ours, 'teaser'), call(theirs, 'teaser')]
  await untilWaiting(redis, 2)
  for (const sendClass of SEND_CLASSES.toReversed().slice(1)) calls.push(call(theirs, sendClass))
  await untilWaiting(redis, 5)
  await Promise.all(calls)
  expect(order).toEqual([...SEND_CLASSES, 'teaser'])
})

test('within a class, first come is first served', async () => {
  const limit = limitOf(5)
  const redis = connect()
  await limit.acquire('notice')
  const order: number[] = []
  const calls: Promise<void>[] = []
  for (const number of [1, 2, 3]) {
    calls.push(limit.acquire('notice').then(() => void order.push(number)))
    await vi.waitFor(async () =>
      expect(Number(await redis.get(`{${store.prefix}}:send-limit:arrivals`))).toBe(number + 1),
    )
  }
  await Promise.all(calls)
  expect(order).toEqual([1, 2, 3])
})

test('a waiter of a process that died does not block the others for long', async () => {
  const limit = limitOf(20)
  await limit.acquire('teaser')
  const keys = ['next', 'queue', 'seen', 'arrivals'].map((name) => `{${store.prefix}}:send-limit:${name}`)
  const started = performance.now()
  await connect().eval(TAKE_SLOT, 4, ...keys, 'dead', 0, 0, 1_000_000, 0, 1_500, 60_000)
  await limit.acquire('teaser')
  expect(performance.now() - started).toBeGreaterThan(500)
})

test('a call that waited long enough gives up as "not done" and leaves the queue', async () => {
  const redis = connect()
  const limit = limitOf(0.1, 200)
  await limit.acquire('teaser')
  const failure = await failureOf(limit.acquire('reveal'))
  expect(failure).toMatchObject({ name: 'NotDoneError', code: 'send_limit' })
  await untilWaiting(redis, 0)
})

test('without Redis a call is "not done", even on a connection that would wait for ever', async () => {
  const url = new URL(await unusedUrl())
  for (const options of [{ maxRetriesPerRequest: null }, { enableOfflineQueue: false }]) {
    const redis = new Redis({ host: url.hostname, port: Number(url.port), ...options })
    redis.on('error', () => undefined)
    connections.push(redis)
    const failure = await failureOf(limitOf(20, 200, redis).acquire('reveal'))
    expect(failure).toMatchObject({ name: 'NotDoneError', code: 'send_limit_unavailable' })
  }
})

test('closing ends every wait', async () => {
  const limit = limitOf(0.1)
  await limit.acquire('teaser')
  const waiting = failureOf(limit.acquire('teaser'))
  await untilWaiting(connect(), 1)
  await limit.close()
  expect(await waiting).toMatchObject({ name: 'NotDoneError', code: 'closing' })
  expect(await failureOf(limit.acquire('teaser'))).toMatchObject({ code: 'closing' })
})

// Its wait would be as long as any, and the process it is in would not end in time.
test('closing ends a wait for a Redis that does not answer, and a call after it does not begin one', {
  timeout: 30_000,
}, async () => {
  const url = new URL(await unusedUrl())
  const redis = new Redis({ host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null })
  redis.on('error', () => undefined)
  connections.push(redis)
  const limit = limitOf(20, 60_000, redis)
  const waiting = failureOf(limit.acquire('teaser'))
  await limit.close()
  expect(await waiting).toMatchObject({ name: 'NotDoneError', code: 'closing' })
  expect(await failureOf(limit.acquire('teaser'))).toMatchObject({ name: 'NotDoneError', code: 'closing' })
})

test('a call whose turn is far off keeps its place: it is seen before it would be taken for dead', async () => {
  const redis = connect()
  const limit = limitOf(0.1)
  await limit.acquire('teaser')
  const waiting = failureOf(limit.acquire('teaser'))
  await untilWaiting(redis, 1)
  const lastSeen = async () =>
    (await redis.zrangebyscore(`{${store.prefix}}:send-limit:seen`, 0, '+inf', 'WITHSCORES'))[1]
  const before = await lastSeen()
  await vi.waitFor(async () => expect(await lastSeen()).not.toBe(before), { timeout: 5_000, interval: 20 })
  await limit.close()
  await waiting
})

test('a clock that was set back does not stop the calls', async () => {
  const redis = connect()
  const limit = limitOf(20, 3_000)
  const inAnHour = (Date.now() + 3_600_000) * 1_000
  await redis.set(`{${store.prefix}}:send-limit:next`, String(inAnHour))
  await redis.zadd(`{${store.prefix}}:send-limit:queue`, 1, 'from-the-future')
  await redis.zadd(`{${store.prefix}}:send-limit:seen`, Date.now() + 3_600_000, 'from-the-future')
  await limit.acquire('teaser')
})

test('keys share one hash slot and expire', async () => {
  const redis = connect()
  const limit = limitOf(0.1)
  await limit.acquire('teaser')
  const waiting = failureOf(limit.acquire('teaser'))
  await untilWaiting(redis, 1)
  const keys = await keysOf(redis)
  expect(keys).toHaveLength(4)
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0)
  await limit.close()
  await waiting
})

test('hundreds of waiting calls are served at a high rate without a warning', async () => {
  const warned: Error[] = []
  const listen = (warning: Error) => void warned.push(warning)
  process.on('warning', listen)
  const limit = limitOf(400)
  const started = performance.now()
  await Promise.all(Array.from({ length: 400 }, () => limit.acquire('teaser')))
  const took = performance.now() - started
  process.off('warning', listen)
  expect(took).toBeGreaterThan(950)
  expect(warned).toEqual([])
})
