import { expect, it } from 'vitest'
import { producerConnection } from '../../src/queues/connection.ts'
import { createPublisher } from '../../src/queues/publisher.ts'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
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
