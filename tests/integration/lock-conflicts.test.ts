import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EntityManager, inTransaction, openDatabase } from '../../src/db/postgres/orm.ts'
import { isLockConflict } from '../../src/db/postgres/sqlstates.ts'
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
    const lockBoth = crossing()
    const locked = (order: [number, number]) => failure(db.em.fork().transactional((tx) => lockBoth(tx, order)))
    const both = await Promise.all([locked([1, 2]), locked([2, 1])])
    expect(both.filter((error) => error !== undefined)).toHaveLength(1)
    expect(both.some(isLockConflict)).toBe(true)
  })

  test('any other error of the database does', async () => {
    expect(isLockConflict(await failure(db.em.fork().execute('insert into t values (1)')))).toBe(false)
  })
})

test('of two transactions that wait for each other, the one that the database ended is done after the other', async () => {
  const lockBoth = crossing()
  const orders: [number, number][] = [
    [1, 2],
    [2, 1],
  ]
  const both = orders.map((order) => inTransaction(db.em, (tx) => lockBoth(tx, order)))
  expect(await Promise.all(both)).toEqual(orders)
})

test.each([
  ['that the database ends each time is given up after five times', '40P01', 5],
  ['that fails otherwise is not begun again', '23505', 1],
])('a transaction %s', async (_which, code, times) => {
  let runs = 0
  const run = inTransaction(db.em, async () => {
    runs += 1
    throw Object.assign(new Error('ended'), { code })
  })
  await expect(run).rejects.toThrow('ended')
  expect(runs).toBe(times)
})

/** @returns locks two rows one after the other, the second once both of two transactions have their first */
function crossing() {
  const met = Promise.withResolvers<void>()
  let arrived = 0
  return async (tx: EntityManager, order: [number, number]) => {
    await tx.execute('select 1 from t where id = ? for update', [order[0]])
    arrived += 1
    if (arrived === 2) met.resolve()
    await met.promise
    await tx.execute('select 1 from t where id = ? for update', [order[1]])
    return order
  }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
    return undefined
  } catch (error) {
    return error
  }
}
