import { once } from 'node:events'
import { Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { saveRoundTrips } from '../../src/db/postgres/round-trips.ts'
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
  saveRoundTrips(pool)
  sent = []
  client = await pool.connect()
  await client.query('create table kept (id integer)')
})
beforeEach(() => {
  sent = []
})
afterAll(async () => {
  // The pool does not wait for it, and a connection that the drop ends in its place is an error nobody listens for.
  const ended = once(client, 'end')
  client.release()
  await pool.end()
  await ended
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

it('writes that answer no rows go with the next statement, which sees them', async () => {
  await client.query('begin')
  await client.query('insert into kept values (3)')
  await client.query('\n  update kept set id = 4 where id = 3')
  expect((await client.query('select id from kept')).rows).toEqual([{ id: 4 }])
  await client.query('delete from kept')
  await client.query('commit')
  expect(sent).toEqual([
    'begin; insert into kept values (3); \n  update kept set id = 4 where id = 3; select id from kept',
    'delete from kept; commit',
  ])
  expect((await client.query('select from kept')).rows).toEqual([])
})

it('a write that answers rows is not put off', async () => {
  await client.query('begin')
  expect((await client.query('insert into kept values (5) returning id')).rows).toEqual([{ id: 5 }])
  await client.query('rollback')
})

it('a write is not put off outside of a transaction', async () => {
  await client.query('insert into kept values (6)')
  expect(sent).toEqual(['insert into kept values (6)'])
  await client.query('delete from kept')
})

it('writes that were not said yet are not said when their transaction is rolled back', async () => {
  await client.query('begin')
  await client.query('insert into kept values (7)')
  await client.query('rollback')
  await client.query('begin')
  await client.query('select 1')
  await client.query('insert into kept values (8)')
  await client.query('rollback')
  expect(sent).toEqual(['begin; select 1', 'rollback'])
  expect((await client.query('select from kept')).rows).toEqual([])
})

it('a write that fails at the commit leaves nothing of its transaction, and the connection as good as new', async () => {
  await client.query('begin')
  await client.query('insert into kept values (9)')
  await client.query('insert into kept values (1 / 0)')
  await expect(client.query('commit')).rejects.toThrow('division by zero')
  await client.query('rollback')
  await client.query('begin')
  expect((await client.query('select from kept')).rows).toEqual([])
  await client.query('commit')
})

it('writes go ahead of a statement that comes with values', async () => {
  await client.query('begin')
  await client.query('insert into kept values (10)')
  expect((await client.query('select id from kept where id = $1', [10])).rows).toEqual([{ id: 10 }])
  await client.query('rollback')
})

it('several statements in one text answer what the last one does', async () => {
  expect((await client.query('select 1 as one; select 2 as two')).rows).toEqual([{ two: 2 }])
})
