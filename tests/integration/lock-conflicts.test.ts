import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLockConflict } from '../../src/db/lock-conflicts.ts'
import { openDatabase } from '../../src/db/orm.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

let database: TestDatabase
let db: MikroORM

beforeAll(async () => {
  database = await createTestDatabase()
  db = await openDatabase({ url: database.url, poolSize: 2 })
  await db.em.fork().execute('create table t (id integer primary key)')
  await db.em.fork().execute('insert into t values (1), (2)')
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

describe('two transactions in each other’s way cost a job no attempt', () => {
  test('one that waited too long for the other’s lock', async () => {
    const error = await db.em.fork().transactional(async (first) => {
      await first.execute('select 1 from t where id = 1 for update')
      return failure(
        db.em.fork().transactional(async (second) => {
          await second.execute(`set local lock_timeout = '20ms'`)
          await second.execute('select 1 from t where id = 1 for update')
        }),
      )
    })
    expect(isLockConflict(error)).toBe(true)
  })

  test('one that the database ended because each waited for the other', async () => {
    const both = await Promise.all([lockBoth([1, 2]), lockBoth([2, 1])])
    expect(both.filter((error) => error !== undefined)).toHaveLength(1)
    expect(both.some(isLockConflict)).toBe(true)
  })

  test('any other error of the database does', async () => {
    expect(isLockConflict(await failure(db.em.fork().execute('insert into t values (1)')))).toBe(false)
  })
})

const met = Promise.withResolvers<void>()
let arrived = 0

/** Locks the rows one after the other, the second once both transactions have their first. */
function lockBoth([one, other]: [number, number]): Promise<unknown> {
  return failure(
    db.em.fork().transactional(async (tx) => {
      await tx.execute('select 1 from t where id = ? for update', [one])
      arrived += 1
      if (arrived === 2) met.resolve()
      await met.promise
      await tx.execute('select 1 from t where id = ? for update', [other])
    }),
  )
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
    return undefined
  } catch (error) {
    return error
  }
}
