import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { freePort, onFreePort } from '../../src/sandbox/embedded/free-port.ts'
import { findRedis } from '../../src/sandbox/embedded/redis-binary.ts'
import { launchRedis, redisUrl, withConnection } from '../../src/sandbox/embedded/redis-launch.ts'
import { waitForReady } from '../../src/sandbox/processes/ready.ts'
import { runProcess } from '../../src/sandbox/processes/run-process.ts'
import { LOCAL } from '../../src/sandbox/state-location.ts'
import { until } from '../support/until.ts'
import { closing } from './closing.ts'
import { temporaryState } from './state.ts'

const PASSWORD = 'of-a-test'
const SENTINEL_PASSWORD = 'of-a-sentinel'
const MASTER = 'leads'
const SLOTS = 16_384
const READY_WITHIN_MS = 60_000

export type RedisServer = {
  port: number
  /** Ends it as if its machine had been lost. */
  crash(): Promise<void>
  /** Asks this server, and no other. */
  ask<T>(use: (redis: Redis) => Promise<T>): Promise<T>
}

export type RedisServers = {
  /** What REDIS_URL says of all of them together. */
  url: string
  servers: RedisServer[]
  stop(): Promise<void>
}

type Group = {
  startRedis(name: string, settings: readonly string[]): Promise<RedisServer>
  /** @returns its port */
  startSentinel(master: RedisServer): Promise<number>
  stop(): Promise<void>
}

/** A cluster of three masters without replicas. The URL names two of them. */
export async function startRedisCluster(): Promise<RedisServers> {
  return withGroup(async (group) => {
    const settings = ['cluster-enabled yes', 'cluster-node-timeout 5000']
    const servers = await Promise.all(['a', 'b', 'c'].map((name) => group.startRedis(name, settings)))
    const share = Math.ceil(SLOTS / servers.length)
    await Promise.all(
      servers.map(({ ask }, index) =>
        ask(async (redis) => {
          await redis.cluster('ADDSLOTS', ...slots(index * share, (index + 1) * share))
          for (const { port } of servers) await redis.cluster('MEET', '127.0.0.1', port)
        }),
      ),
    )
    for (const { ask } of servers) await until('the cluster to be one', () => ask(isWhole))
    const nodes = servers.slice(0, 2).map(({ port }) => `127.0.0.1:${port}`)
    return { url: `redis+cluster://:${PASSWORD}@${nodes.join(',')}`, servers }
  })
}

function slots(from: number, to: number): number[] {
  return Array.from({ length: Math.min(to, SLOTS) - from }, (_, index) => from + index)
}

async function isWhole(redis: Redis): Promise<boolean> {
  const info = String(await redis.cluster('INFO'))
  return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
}

/** A master, its replica, and a Sentinel that needs two seconds to miss it. The URL names a second Sentinel, which is lost. */
export async function startRedisWithSentinel(): Promise<RedisServers> {
  return withGroup(async (group) => {
    const master = await group.startRedis('a', ['repl-diskless-sync-delay 0'])
    const replica = await group.startRedis('b', [`replicaof 127.0.0.1 ${master.port}`, `masterauth ${PASSWORD}`])
    await until('the replica to follow', () =>
      replica.ask(async (redis) => (await redis.info('replication')).includes('master_link_status:up')),
    )
    const sentinels = [await freePort(), await group.startSentinel(master)].map((port) => `127.0.0.1:${port}`)
    const url = `redis+sentinel://:${PASSWORD}@${sentinels}/${MASTER}?sentinel_password=${SENTINEL_PASSWORD}`
    return { url, servers: [master, replica] }
  })
}

async function withGroup(start: (group: Group) => Promise<Omit<RedisServers, 'stop'>>): Promise<RedisServers> {
  const group = await openGroup()
  try {
    return { ...(await start(group)), stop: group.stop }
  } catch (error) {
    await group.stop()
    throw error
  }
}

async function openGroup(): Promise<Group> {
  const opened = closing()
  const { dir, close } = await temporaryState()
  opened.add(close)
  const binary = await findRedis({ cacheDir: LOCAL, log: () => undefined })
  return {
    async startRedis(name, settings) {
      mkdirSync(join(dir, name))
      // A node of a cluster listens on a second port, 10000 above the first.
      const { port, server } = await onFreePort(async (port) => ({
        port,
        server: await launchRedis({ dir, binary, password: PASSWORD, ephemeral: true, port, name, settings }),
      }))
      opened.add(() => server.stop())
      return {
        port,
        crash: async () => void (await server.stop([{ signal: 'SIGKILL', waitMs: 10_000 }])),
        ask: (use) => withConnection(redisUrl(port, PASSWORD), use),
      }
    },
    async startSentinel(master) {
      const port = await freePort()
      // A file, because a Sentinel writes down there what it learns.
      const file = join(dir, 'sentinel.conf')
      writeFileSync(file, sentinelConfiguration(port, master.port).join('\n'))
      const args = [file, '--sentinel']
      const sentinel = await runProcess({ name: 'sentinel', ...binary, args, cwd: dir, stateDir: dir })
      opened.add(() => sentinel.stop())
      const knowsTheReplica = () =>
        withConnection(redisUrl(port, SENTINEL_PASSWORD), async (redis) => {
          const replicas: unknown = await redis.call('SENTINEL', 'REPLICAS', MASTER)
          return Array.isArray(replicas) && replicas.length === 1
        })
      await waitForReady(sentinel, knowsTheReplica, READY_WITHIN_MS)
      return port
    },
    stop: () => opened.run(),
  }
}

function sentinelConfiguration(port: number, masterPort: number): string[] {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${SENTINEL_PASSWORD}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-pass ${MASTER} ${PASSWORD}`,
    `sentinel down-after-milliseconds ${MASTER} 2000`,
    `sentinel failover-timeout ${MASTER} 5000`,
  ]
}
