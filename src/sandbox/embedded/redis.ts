import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { identify } from '../processes/identity.ts'
import { claimName } from '../processes/leftovers.ts'
import { NotReadyError } from '../processes/ready.ts'
import type { RunningProcess } from '../processes/run-process.ts'
import { stopProcess } from '../processes/stopping.ts'
import type { Supervised } from '../processes/supervise.ts'
import { processesWorkingIn } from '../processes/working-in.ts'
import { onFreePort } from './free-port.ts'
import { findRedis } from './redis-binary.ts'
import { launchRedis, REDIS_STOP, redisUrl, withConnection } from './redis-launch.ts'
import { restartable } from './restartable.ts'

export type RedisOptions = {
  /** State directory, e.g. `.local`: data go to `redis/` in it, the server's log to `logs/redis.log`. */
  dir: string
  /** Folder that keeps a Redis which had to be fetched or built; `dir` when absent. */
  cacheDir?: string
  /** Told what takes time, one line each. */
  log: (line: string) => void
  /** For tests: nothing is written to disk but by `restart`, and everything is removed on stop. */
  ephemeral?: boolean
}

export type EmbeddedRedis = Required<Supervised> & {
  /** Connection URL, its password included. */
  readonly url: string
  readonly port: number
  /** Where the program comes from, for a person. */
  readonly source: string
  /** Stops the server and starts it on the same port; without `keepData` as if its machine had been lost. */
  restart(options: { keepData: boolean }): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a Redis server on a free port of 127.0.0.1, on the data of the last run if there are any. A server that a
 * killed run left behind is stopped first.
 * @throws InUseError when a live process runs it already; an error that says what to do when there is no Redis to run
 */
export async function startRedis(options: RedisOptions): Promise<EmbeddedRedis> {
  const { log, ephemeral = false } = options
  const dir = resolve(options.dir)
  const home = join(dir, 'redis')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  await claimName(dir, 'redis', log)
  for (const pid of processesWorkingIn(home, /(redis|valkey)-server/)) {
    const server = identify(pid)
    if (server !== undefined) await stopProcess(server, REDIS_STOP)
  }
  const binary = await findRedis({ cacheDir: resolve(options.cacheDir ?? dir), log })
  // Any program of any account on this machine can connect, and Redis may run as root.
  const password = randomBytes(18).toString('base64url')
  const launch = (port: number) => launchRedis({ dir, binary, password, ephemeral, port })
  const { port, first } = await onFreePort(async (port) => ({ port, first: await launchOrSetAside(launch, port) }))
  const server = restartable(first, () => launch(port))
  const url = redisUrl(port, password)
  return {
    ...server,
    name: 'redis',
    port,
    url,
    source: binary.source,
    async restart({ keepData }) {
      if (keepData && ephemeral) await saveOnShutdown(url)
      if (keepData) await server.restart(REDIS_STOP)
      else await server.restart([{ signal: 'SIGKILL', waitMs: 5_000 }], () => emptyFolder(home))
    },
    async stop() {
      await server.stop()
      if (ephemeral) rmSync(home, { recursive: true, force: true })
    },
  }

  /** A damaged file, or one that a newer Redis wrote, is no reason not to start: what matters is in Postgres. */
  async function launchOrSetAside(start: typeof launch, onPort: number): Promise<RunningProcess> {
    try {
      return await start(onPort)
    } catch (error) {
      const unreadable = error instanceof NotReadyError && /append only file|\bAOF\b|\bRDB\b/i.test(error.message)
      if (!unreadable || /address already in use/i.test(error.message)) throw error
      const aside = join(dir, 'redis.unreadable')
      log(`Redis could not read its data; put aside as ${aside}, starting empty`)
      rmSync(aside, { recursive: true, force: true })
      renameSync(home, aside)
      mkdirSync(home, { mode: 0o700 })
      return start(onPort)
    }
  }
}

/** With a save point set, Redis writes a snapshot when it is told to stop. */
async function saveOnShutdown(url: string): Promise<void> {
  await withConnection(url, (redis) => redis.config('SET', 'save', '3600 1'))
}

function emptyFolder(path: string): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { mode: 0o700 })
}
