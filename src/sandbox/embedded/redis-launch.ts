import { join } from 'node:path'
import { Redis } from 'ioredis'
import { waitForReady } from '../processes/ready.ts'
import { type RunningProcess, runProcess } from '../processes/run-process.ts'
import { terminateThenKill } from '../processes/stopping.ts'
import type { RedisBinary } from './redis-binary.ts'

export type RedisLaunch = {
  /** State directory. */
  dir: string
  binary: RedisBinary
  password: string
  ephemeral: boolean
  port: number
  /** Tells servers of one state directory apart: names the folder of its data, its log and its record. */
  name?: string
  /** More lines of its configuration. */
  settings?: readonly string[]
}

/** Redis writes its append-only file out on SIGTERM. */
export const REDIS_STOP = terminateThenKill(10_000)

const READY_WITHIN_MS = 60_000

/**
 * Starts one server process on the data in the folder `name` of the state directory.
 * @throws NotReadyError when it ends, or does not answer in time; it is then stopped
 */
export async function launchRedis(launch: RedisLaunch): Promise<RunningProcess> {
  const { dir, binary, password, port, name = 'redis' } = launch
  const server = await runProcess({
    name,
    command: binary.command,
    // The configuration comes by the standard input: a command line can be read by every account.
    args: ['-'],
    input: configuration(launch),
    // Redis 7.2 and newer do not start in a locale that the machine does not have, such as one that came over SSH.
    env: { ...binary.env, LC_ALL: 'C' },
    cwd: join(dir, name),
    logFile: join(dir, 'logs', `${name}.log`),
    stateDir: dir,
    stop: REDIS_STOP,
  })
  try {
    await waitForReady(server, () => answersPing(port, password), READY_WITHIN_MS)
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

function configuration({ password, ephemeral, port, settings = [] }: RedisLaunch): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    'daemonize no',
    // BullMQ: a queue must never lose a key to make room for another.
    'maxmemory-policy noeviction',
    'save ""',
    `appendonly ${ephemeral ? 'no' : 'yes'}`,
    ...settings,
    '',
  ].join('\n')
}

/** The URL of the server on `port` of this machine. */
export function redisUrl(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}`
}

async function answersPing(port: number, password: string): Promise<boolean> {
  return withConnection(redisUrl(port, password), async (redis) => (await redis.ping()) === 'PONG')
}

/** Connects once, without trying again, and disconnects after `use`. */
export async function withConnection<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2_000 })
  // Reported by the failing call as well; without a listener ioredis would print it.
  let problem: Error | undefined
  redis.on('error', (error) => {
    problem = error
  })
  try {
    await redis.connect()
    return await use(redis)
  } catch (error) {
    throw problem ?? error
  } finally {
    redis.disconnect()
  }
}
