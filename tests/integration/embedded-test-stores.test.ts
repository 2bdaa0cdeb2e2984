import { Redis } from 'ioredis'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { pendingMigrations } from '../../src/db/postgres/migrate-up.ts'
import { openMigratedDatabase } from '../support/migrated-database.ts'
import { query } from '../support/query.ts'
import { createTestDatabase, testRedis } from '../support/stores.ts'

test('two test databases share nothing, and are gone when dropped, with a connection still open', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  await query(one.url, 'CREATE TABLE seen (id int)')
  expect(await query(other.url, "SELECT to_regclass('seen') AS found")).toEqual([{ found: null }])
  const open = new Client({ connectionString: one.url })
  const ended = new Promise((resolve) => {
    open.on('error', resolve)
  })
  await open.connect()
  await one.drop()
  await ended
  await expect(query(one.url, 'SELECT 1')).rejects.toThrow('does not exist')
  await other.drop()
})

test('a migrated test database has had every migration', async () => {
  const { db, close } = await openMigratedDatabase(1)
  expect(await pendingMigrations(db)).toEqual([])
  expect(await db.em.fork().execute('select id from leads')).toEqual([])
  await close()
})

test('a test database compares text the same on every machine, and knows case beyond ASCII', async () => {
  const database = await createTestDatabase()
  const rows = await query(database.url, "SELECT lower('ÀÉ') AS lower, 'a' > 'B' AS by_code_point")
  expect(rows).toEqual([{ lower: 'àé', by_code_point: true }])
  await database.drop()
})

test('two callers of the test Redis have different prefixes, and closing one removes its keys only', async () => {
  const [one, other] = [testRedis(), testRedis()]
  const redis = new Redis(one.url)
  await redis.mset({ [`${one.prefix}:a`]: '1', [`${one.prefix}:b`]: '1', [`${other.prefix}:a`]: '1' })
  await one.close()
  expect(await redis.exists(`${one.prefix}:a`, `${one.prefix}:b`)).toBe(0)
  expect(await redis.exists(`${other.prefix}:a`)).toBe(1)
  await other.close()
  expect(await redis.keys(`${other.prefix}*`)).toEqual([])
  await redis.quit()
})

test('the test Redis evicts nothing', async () => {
  const { url } = testRedis()
  const redis = new Redis(url)
  expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
  await redis.quit()
})
