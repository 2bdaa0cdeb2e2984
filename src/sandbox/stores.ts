import { startPostgres } from './embedded/postgres.ts'
import { startRedis } from './embedded/redis.ts'
import type { Supervised } from './processes/supervise.ts'

export type Stores = { databaseUrl: string; redisUrl: string; children: Supervised[] }

export type StoresOptions = {
  dir: string
  /** Keeps a Redis that had to be fetched; `dir` when absent. */
  cacheDir?: string
  ephemeral?: boolean
  log: (line: string) => void
  /** DATABASE_URL and REDIS_URL are used where they are set. */
  env: NodeJS.ProcessEnv
}

/** The stores of a sandbox: those that the environment names, embedded ones for the rest. */
export async function openStores({ env, ...options }: StoresOptions): Promise<Stores> {
  const children: Supervised[] = []
  const started = await Promise.allSettled([
    env.DATABASE_URL || track(children, startPostgres(options)),
    env.REDIS_URL || track(children, startRedis(options)),
  ])
  for (const result of started) {
    if (result.status === 'fulfilled') continue
    await Promise.all(children.map((child) => child.stop()))
    throw result.reason
  }
  const [databaseUrl, redisUrl] = started.map((result) => (result.status === 'fulfilled' ? result.value : ''))
  return { databaseUrl: databaseUrl ?? '', redisUrl: redisUrl ?? '', children }
}

async function track(children: Supervised[], starting: Promise<Supervised & { url: string }>): Promise<string> {
  const store = await starting
  children.push(store)
  return store.url
}
