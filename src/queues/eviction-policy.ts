import { type Cluster, Redis } from 'ioredis'
import type { RedisConnection } from './connection.ts'

/** Redis would throw jobs away under memory pressure. */
export class EvictionPolicyError extends Error {
  readonly code = 'redis_evicts'
}

/**
 * Asks through INFO: CONFIG is disabled at some hosts.
 *
 * @throws {EvictionPolicyError} when Redis, or a master of the cluster, says anything but `noeviction`
 */
export async function requireNoEviction(connection: RedisConnection): Promise<void> {
  await Promise.all((await mastersOf(connection)).map(requireNoEvictionOf))
}

async function requireNoEvictionOf(server: Redis): Promise<void> {
  const info = await server.info('memory')
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    throw new EvictionPolicyError(`Redis maxmemory-policy is ${policy}; it must be noeviction or jobs get lost`)
  }
}

/** A cluster that is not ready does not know its masters yet. */
async function mastersOf(connection: RedisConnection): Promise<Redis[]> {
  if (connection instanceof Redis) return [connection]
  if (connection.status !== 'ready') await becomesReady(connection)
  return connection.nodes('master')
}

function becomesReady(connection: Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.once('ready', () => resolve())
    connection.once('end', () => reject(new Error('the connection to Redis was closed')))
  })
}
