import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { migrateUp } from '../../src/db/postgres/migrate-up.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { startPostgres } from '../../src/sandbox/embedded/postgres.ts'
import { startRedis } from '../../src/sandbox/embedded/redis.ts'
import { removeStaleDirectories } from '../../src/sandbox/processes/stale-directories.ts'
import { openStateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { type Supervised, stopInReverse } from '../../src/sandbox/processes/supervise.ts'
import { query } from './query.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A Postgres in which tests make databases of their own. */
    databaseUrl: string
    /** The database there that those are copies of which begin with every migration applied. */
    migratedDatabase: string
    /** A Redis in which tests use key prefixes of their own. */
    redisUrl: string
  }
}

const LOCAL = resolve(import.meta.dirname, '../../.local')
const PREFIX = 'test-'

/**
 * Gives the whole run one Postgres and one Redis: those of TEST_DATABASE_URL and TEST_REDIS_URL where set, else
 * servers of its own, which are removed with their data at the end, even when the run is killed.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const started: Supervised[] = []
  mkdirSync(LOCAL, { recursive: true })
  await removeStaleDirectories(LOCAL, PREFIX, log)
  const state = await openStateDirectory({ dir: mkdtempSync(join(LOCAL, PREFIX)), temporary: true, log })
  const tearDown = async () => {
    const stopped = await stopInReverse(started, log)
    state.close()
    if (!stopped) throw new Error('The stores of the test run did not stop.')
  }
  try {
    const stores = { dir: state.dir, log, ephemeral: true }
    // Settled, not all: a server that is still starting when the other fails has to be stopped as well.
    const [databaseUrl, redisUrl] = await Promise.allSettled([
      process.env.TEST_DATABASE_URL ?? track(startPostgres(stores)),
      process.env.TEST_REDIS_URL ?? track(startRedis({ ...stores, cacheDir: LOCAL })),
    ])
    const migrated = await createMigratedDatabase(resultOf(databaseUrl))
    started.push({ name: 'migrated database', stop: migrated.drop })
    project.provide('databaseUrl', resultOf(databaseUrl))
    project.provide('migratedDatabase', migrated.name)
    project.provide('redisUrl', resultOf(redisUrl))
    return tearDown
  } catch (error) {
    await tearDown()
    throw error
  }

  async function track(starting: Promise<Supervised & { url: string }>): Promise<string> {
    const store = await starting
    started.push(store)
    return store.url
  }
}

/** Nobody is connected to it once it is there: a database can be copied only then. */
async function createMigratedDatabase(serverUrl: string): Promise<{ name: string; drop(): Promise<unknown> }> {
  const name = `migrated_${randomBytes(6).toString('hex')}`
  await query(serverUrl, `CREATE DATABASE ${name}`)
  const drop = () => query(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`)
  try {
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    const db = await openDatabase({ url: url.href, poolSize: 2 })
    try {
      await migrateUp(db)
    } finally {
      await db.close(true)
    }
  } catch (error) {
    await drop()
    throw error
  }
  return { name, drop }
}

function resultOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
}

function log(line: string): void {
  console.log(line)
}
