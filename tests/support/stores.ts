import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { query } from './query.ts'

export type TestDatabase = {
  /** Connection URL of the new database. */
  url: string
  /** Removes it, ending connections that are still open. */
  drop(): Promise<void>
}

export type TestRedis = {
  url: string
  /** Begins every key of this caller, as ioredis' `keyPrefix` or BullMQ's `prefix`. */
  prefix: string
  /** Removes every key that begins with the prefix. */
  close(): Promise<void>
}

/** Creates a database of the caller's own on the run's Postgres. @param options.migrated with every migration applied */
export async function createTestDatabase({ migrated = false }: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${unique()}`
  const template = migrated ? ` TEMPLATE ${quoted(inject('migratedDatabase'))}` : ''
  await query(inject('databaseUrl'), `CREATE DATABASE ${quoted(name)}${template}`)
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: async () => void (await query(inject('databaseUrl'), `DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`)),
  }
}

/** A corner of the run's Redis that no other caller uses. */
export function testRedis(): TestRedis {
  const url = inject('redisUrl')
  const prefix = `test_${unique()}`
  return { url, prefix, close: () => removeKeys(url, prefix) }
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url)
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (Array.isArray(keys) && keys.length > 0) await redis.unlink(keys)
    }
  } finally {
    await redis.quit()
  }
}

function unique(): string {
  return randomBytes(6).toString('hex')
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
