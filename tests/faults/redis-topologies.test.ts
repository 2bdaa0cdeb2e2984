import type { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { DEFAULT_PREFIX } from '../../src/queues/connection.ts'
import { EvictionPolicyError } from '../../src/queues/eviction-policy.ts'
import { type Product, startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'
import { type RedisServers, startRedisCluster, startRedisWithSentinel } from './redis-servers.ts'

const FAILOVER_MS = 150_000

it('a lead is sold on a Redis Cluster, and its workers refuse a cluster in which one master evicts', async () => {
  const { product, servers } = await productOn(startRedisCluster())
  await sellsALead(product, 'provider60')
  const sizes = await Promise.all(servers.map(({ ask }) => ask((redis) => redis.dbsize())))
  expect(sizes.filter((size) => size > 0)).toHaveLength(1)

  const spare = servers[sizes.indexOf(0)]
  await spare?.ask((redis) => redis.config('SET', 'maxmemory-policy', 'allkeys-lru'))
  await expect(product.startMoreWorkers()).rejects.toThrow(EvictionPolicyError)
})

it('leads are sold behind Sentinels before and after the master is lost', async () => {
  const { product, servers } = await productOn(startRedisWithSentinel())
  await sellsALead(product, 'provider60')
  const [master, replica] = servers
  await master?.crash()
  // A Sentinel that was kept from its own work for two seconds does nothing for the next thirty (its "tilt mode").
  await until('another master', () => product.publisher.isReachable(), undefined, FAILOVER_MS)
  await sellsALead(product, 'provider61')
  const role = await replica?.ask((redis) => redis.info('replication'))
  expect(role).toContain('role:master')
})

it('the queue board answers 503 while a cluster lacks the master that has the jobs', async () => {
  const { product, servers } = await productOn(startRedisCluster(), { workers: false })
  await product.publisher.publish([{ job: 'alert', escalation_id: 1 }])
  const sizes = await Promise.all(servers.map(({ ask }) => ask((redis) => redis.dbsize())))
  const board = async () => (await product.api('GET', '/admin/queues/api/queues')).status
  expect(await board()).toBe(200)
  await servers[sizes.findIndex((size) => size > 0)]?.crash()
  expect(await board()).toBe(503)

  const survivors = servers.filter((_server, index) => sizes[index] === 0)
  for (const { ask } of survivors) {
    const knows = async (redis: Redis) => String(await redis.cluster('INFO')).includes('cluster_state:fail')
    await until('the others to know', () => ask(knows))
  }
  expect(await board()).toBe(503)
})

async function productOn(
  starting: Promise<RedisServers>,
  options: { workers?: boolean } = {},
): Promise<{ product: Product } & Pick<RedisServers, 'servers'>> {
  const { url, servers, stop } = await starting
  onTestFinished(stop)
  const redis = { url, prefix: DEFAULT_PREFIX, close: async () => undefined }
  const product = await startProduct({ redis, ...options })
  onTestFinished(() => product.close())
  return { product, servers }
}

async function sellsALead(product: Product, providerId: string): Promise<void> {
  const { unlocks } = await product.offer([providerId])
  const id = unlocks[providerId] ?? 0
  await product.text(providerId, 'Y')
  await product.stripe.payLink(await product.linkOf(providerId))
  await product.reaches(id, 'DONE')
}
