import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { findRedis } from '../../src/sandbox/embedded/redis-binary.ts'
import { launchRedis, redisUrl, withConnection } from '../../src/sandbox/embedded/redis-launch.ts'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { LOCAL } from '../../src/sandbox/state-location.ts'

const PASSWORD = 'of-a-test'

/** A Redis of the test's own that keeps nothing on disk, and can be away for as long as the test likes. */
export type RedisServer = {
  url: string
  /** Forgets everything, at once. */
  flush(): Promise<void>
  /** Ends as if its machine had been lost. */
  crash(): Promise<void>
  /** Starts again on the same port, empty. Resolves when it answers. */
  start(): Promise<void>
  /** Its process, to be paused. */
  pid(): number
  stop(): Promise<void>
}

/** @param dir state directory */
export async function startRedisServer(dir: string): Promise<RedisServer> {
  const binary = await findRedis({ cacheDir: LOCAL, log: () => undefined })
  const port = await freePort()
  mkdirSync(join(dir, 'redis'), { recursive: true, mode: 0o700 })
  const launch = () => launchRedis({ dir, binary, password: PASSWORD, ephemeral: true, port })
  let server: RunningProcess = await launch()
  const url = redisUrl(port, PASSWORD)
  return {
    url,
    async flush() {
      await withConnection(url, (redis) => redis.flushall())
    },
    async crash() {
      await server.stop([{ signal: 'SIGKILL', waitMs: 10_000 }])
    },
    async start() {
      server = await launch()
    },
    pid: () => server.pid,
    async stop() {
      await server.stop()
    },
  }
}
