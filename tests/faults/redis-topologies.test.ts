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

async function productOn(
  starting: Promise<RedisServers>,
): Promise<{ product: Product } & Pick<RedisServers, 'servers'>> {
  const { url, servers, stop } = await starting
  onTestFinished(stop)
  const redis = { url, prefix: DEFAULT_PREFIX, close: async () => undefined }
  const product = await startProduct({ redis })
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
