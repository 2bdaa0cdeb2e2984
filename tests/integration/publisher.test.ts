import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Due } from '../../src/domain/due.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import { createPublisher } from '../../src/queues/publisher.ts'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { testRedis } from '../support/stores.ts'
import { until } from '../support/until.ts'

it('a wake-up that Redis does not take is reported as lost, once; that Redis is away is not', async () => {
  const redis = producerConnection(`redis://127.0.0.1:${await freePort()}`)
  let failures = 0
  redis.on('error', () => {
    failures += 1
  })
  const lost: string[] = []
  const publisher = createPublisher(redis, (_error, job, requestId) => lost.push(`${job} ${requestId}`))
  try {
    await until('Redis to be tried in vain', () => failures >= 3)
    expect(lost).toEqual([])
    expect(await publisher.publish([{ job: 'reveal', unlock_id: 1 }], { requestId: 'request-1' })).toBe(0)
    expect(lost).toEqual(['reveal request-1'])
  } finally {
    redis.disconnect()
    await publisher.close()
  }
})

it('a command to a Redis that takes the connection and says nothing fails at once', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.resume()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  const redis = producerConnection(`redis://127.0.0.1:${address.port}`)
  redis.on('error', () => undefined)
  onTestFinished(async () => {
    redis.disconnect()
    server.close()
    await once(server, 'close')
  })
  await once(redis, 'connect')
  await expect(redis.exists('key')).rejects.toThrow('enableOfflineQueue')
})

/** A publisher of a process that has just started. */
function startPublisher() {
  const { url, prefix, close } = testRedis()
  const redis = producerConnection(url)
  redis.on('error', () => undefined)
  const publisher = createPublisher(redis, () => undefined, prefix)
  onTestFinished(async () => {
    await publisher.close()
    redis.disconnect()
    await close()
  })
  return publisher
}

describe('a wake-up', () => {
  it('of a process that is still connecting to Redis is not lost', async () => {
    expect(await startPublisher().publish([{ job: 'reveal', unlock_id: 1 }])).toBe(1)
  })

  it('is published though one is there, unless that is to be looked at; then once for each piece of work, until it is done', async () => {
    const publisher = startPublisher()
    const reveals = publisher.queues.get('reveal')
    const due = [1, 2].map((unlock_id) => ({ job: 'reveal', unlock_id }) as const)
    const idsWaiting = async () => (await reveals?.getWaiting())?.map(({ data }) => data.unlock_id).sort()
    for (const _time of [1, 2]) await publisher.publish(due, { onlyIfIdle: true })
    expect(await idsWaiting()).toEqual([1, 2])
    await publisher.publish(due)
    expect(await idsWaiting()).toEqual([1, 1, 2, 2])
    for (const job of (await reveals?.getWaiting()) ?? []) await job.remove()
    await publisher.publish(due, { onlyIfIdle: true })
    expect(await idsWaiting()).toEqual([1, 2])
  })

  it('carries the request of its own piece of work', async () => {
    const publisher = startPublisher()
    const due = [1, 2].map((unlock_id) => ({ job: 'reveal', unlock_id }) as const)
    const requests = new Map<Due, string>(due.map((one) => [one, `request-${one.unlock_id}`]))
    await publisher.publish(due, { requestId: (one) => requests.get(one) ?? 'of another' })
    const jobs = (await publisher.queues.get('reveal')?.getWaiting()) ?? []
    const carried = new Map(jobs.map(({ data }) => [data.unlock_id, data.request_id]))
    expect(carried).toEqual(new Map(due.map((one) => [one.unlock_id, requests.get(one)])))
  })

  it.each([
    [1_234.5, 1_235],
    [-5, 0],
  ])('in %d ms is taken by Redis as one in %d', async (delayMs, expected) => {
    const publisher = startPublisher()
    expect(await publisher.publish([{ job: 'reveal', unlock_id: 1 }], { delayMs })).toBe(1)
    const [job] = (await publisher.queues.get('reveal')?.getJobs(['waiting', 'delayed'])) ?? []
    expect(job?.opts.delay ?? 0).toBe(expected)
  })

  it('of work that a person may have to retry is kept when it fails, however many fail', async () => {
    const publisher = startPublisher()
    await publisher.publish([{ job: 'reveal', unlock_id: 1 }])
    const [job] = (await publisher.queues.get('reveal')?.getWaiting()) ?? []
    expect(job?.opts).toMatchObject({ attempts: 14, backoff: { type: 'custom' }, removeOnFail: false })
    // Of those that are done only some, for an hour: all of them would fill Redis.
    expect(job?.opts.removeOnComplete).toEqual({ age: 3600, count: 1000 })
  })
})
