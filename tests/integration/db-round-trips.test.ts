import { Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { beginWithFirstStatement } from '../../src/db/round-trips.ts'
import { createTestDatabase, type TestDatabase } from '../support/stores.ts'

let database: TestDatabase
let pool: Pool
let client: PoolClient
let sent: unknown[]
beforeAll(async () => {
  database = await createTestDatabase()
  pool = new Pool({ connectionString: database.url, max: 1 })
  pool.on('connect', (connected) => {
    const query: unknown = Reflect.get(connected, 'query')
    if (typeof query !== 'function') throw new Error('the driver has no query')
    Reflect.set(connected, 'query', (...args: unknown[]) => {
      sent.push(args[0])
      return Reflect.apply(query, connected, args)
    })
  })
  beginWithFirstStatement(pool)
  sent = []
  client = await pool.connect()
  await client.query('create table kept (id integer)')
})
beforeEach(() => {
  sent = []
})
afterAll(async () => {
  client.release()
  await pool.end()
  await database.drop()
})

it('a transaction and its first statement are one message, which answers what the statement does', async () => {
  await client.query('begin')
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.query('rollback')
  expect(sent).toEqual(['begin; select 1 as one', 'rollback'])
})

it('a first statement that fails leaves a transaction to roll back, and nothing of it stays', async () => {
  await client.query('begin')
  await expect(client.query('insert into kept values (1); select 1 / 0')).rejects.toThrow('division by zero')
  await expect(client.query('select 1')).rejects.toThrow('current transaction is aborted')
  await client.query('rollback')
  expect((await client.query('select from kept')).rows).toEqual([])
})

it('a first statement that comes with values begins its transaction before it', async () => {
  await client.query('begin')
  await client.query('insert into kept values ($1)', [1])
  await client.query('rollback')
  expect((await client.query('select from kept')).rows).toEqual([])
})

it('a transaction without a statement says nothing, and the next statement is its own transaction', async () => {
  await client.query('begin')
  await client.query('commit')
  await client.query('begin')
  await client.query('rollback')
  expect(sent).toEqual([])
  await client.query('insert into kept values (2)')
  expect((await client.query('delete from kept returning id')).rows).toEqual([{ id: 2 }])
})

it('several statements in one text answer what the last one does', async () => {
  expect((await client.query('select 1 as one; select 2 as two')).rows).toEqual([{ two: 2 }])
})
