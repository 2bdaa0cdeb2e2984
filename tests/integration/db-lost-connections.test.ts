import type { MikroORM } from '@mikro-orm/postgresql'
import { Client, Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inTransaction, openDatabase } from '../../src/db/postgres/orm.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

const POOL_SIZE = 2

let database: TestDatabase
let db: MikroORM
let outside: Client
beforeAll(async () => {
  database = await createTestDatabase()
  db = await openDatabase({ url: database.url, poolSize: POOL_SIZE })
  outside = new Client({ connectionString: database.url })
  await outside.connect()
})
afterAll(async () => {
  await outside.end()
  await db.close(true)
  await database.drop()
})

it('connections lost in the middle of a transaction leave no hole in the pool', async () => {
  for (let time = 0; time < POOL_SIZE + 1; time += 1) {
    const work = inTransaction(db.em, async (tx) => {
      const [row] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid')
      await outside.query('select pg_terminate_backend($1, 5000)', [row?.pid])
      await tx.execute('select 1')
    })
    await expect(work).rejects.toThrow()
  }
  const both = await Promise.all(
    Array.from({ length: POOL_SIZE }, () => inTransaction(db.em, (tx) => tx.execute('select 1 as one'))),
  )
  expect(both).toEqual(Array(POOL_SIZE).fill([{ one: 1 }]))
})

it('connections lost at the very beginning of a transaction leave no hole in the pool', async () => {
  const pool: unknown = await Reflect.get(db.driver.getConnection(), 'getNativeClient').call(db.driver.getConnection())
  if (!(pool instanceof Pool)) throw new Error('the driver has another pool')
  for (let time = 0; time < POOL_SIZE + 1; time += 1) {
    pool.once('acquire', (client: PoolClient) => {
      // What the client sees when the server crashes at this moment.
      const connection: unknown = Reflect.get(client, 'connection')
      Reflect.get(Object(connection), 'stream').destroy()
    })
    await expect(inTransaction(db.em, (tx) => tx.execute('select 1'))).rejects.toThrow()
  }
  const both = await Promise.all(
    Array.from({ length: POOL_SIZE }, () => inTransaction(db.em, (tx) => tx.execute('select 1 as one'))),
  )
  expect(both).toEqual(Array(POOL_SIZE).fill([{ one: 1 }]))
})

it('a connection that does not answer is ended, and leaves no hole in the pool', async () => {
  const impatient = await openDatabase({ url: database.url, poolSize: 1, answersWithinMs: 200 })
  await expect(impatient.em.fork().execute('select pg_sleep(600)')).rejects.toThrow('Connection terminated')
  const slept = inTransaction(impatient.em, async (tx) => {
    await tx.execute('select 1')
    await tx.execute('select pg_sleep(600)')
  })
  await expect(slept).rejects.toThrow('Connection terminated')
  expect(await impatient.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }])
  await impatient.close(true)
})

it('a connection to a server that takes no writes, the old primary of a failover, is not used again', async () => {
  const name = new URL(database.url).pathname.slice(1)
  const write = () => inTransaction(failedOver.em, (tx) => tx.execute('create table taken ()'))
  await outside.query(`alter database "${name}" set default_transaction_read_only = on`)
  const failedOver = await openDatabase({ url: database.url, poolSize: 1 })
  try {
    await expect(write()).rejects.toMatchObject({ code: '25006' })
    // From here on the name leads to the new primary again.
    await outside.query(`alter database "${name}" reset default_transaction_read_only`)
    await write()
  } finally {
    await failedOver.close(true)
    await outside.query(`alter database "${name}" reset default_transaction_read_only`)
  }
})

it('a transaction that fails for another reason is rolled back', async () => {
  await outside.query('create table kept (id integer)')
  const work = inTransaction(db.em, async (tx) => {
    await tx.execute('insert into kept values (1)')
    await tx.execute('select 1 / 0')
  })
  await expect(work).rejects.toThrow()
  expect((await outside.query('select 1 from kept')).rows).toEqual([])
})
