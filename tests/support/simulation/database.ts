import { createHash } from 'node:crypto'
import type { MikroORM } from '@mikro-orm/postgresql'
import { Client } from 'pg'
import { migrateUp } from '../../../src/db/postgres/migrate-up.ts'
import { openDatabase } from '../../../src/db/postgres/orm.ts'
import { SIMULATED_APP_NOW, SimulatedClock } from './clock.ts'
import { hookPostgres } from './postgres-hooks.ts'

/** All processes of a history share one pool, and each of their suspended tasks may hold a connection. */
const POOL_SIZE = 40

/** A database of one process, emptied between histories. */
export type SimulatedDatabase = {
  db: MikroORM
  clock: SimulatedClock
  /** The simulation's own connection: what it reads is never interrupted. */
  rows<T extends object>(sql: string, values?: unknown[]): Promise<T[]>
  /** @returns may there be anything new since this was asked last? */
  takeChanged(): boolean
  /** Forgets everything and starts time anew. */
  reset(): Promise<void>
  /** Closes the connections and drops the database. */
  close(): Promise<void>
}

/**
 * Opens a database for histories, once in a process: from then on, the queries of tasks can be interrupted.
 *
 * @param serverUrl a Postgres in which databases may be made
 * @param name the new database's, one that does not exist
 */
export async function openSimulatedDatabase(serverUrl: string, name: string): Promise<SimulatedDatabase> {
  await onServer(serverUrl, `create database "${name}"`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  const clock = new SimulatedClock()
  let changed = true
  const onChange = () => {
    changed = true
  }
  hookPostgres({ clock, onChange })
  const db = await openDatabase({ url: url.href, poolSize: POOL_SIZE })
  await migrateUp(db)
  await client.query(SIMULATED_APP_NOW)
  // Durability is not what is simulated: a commit counts when it is answered.
  await client.query(`alter database "${name}" set synchronous_commit = off`)
  // Quicker than to truncate: a history leaves few rows. Foreign keys are not asked, so the order does not matter.
  await client.query('set session_replication_role = replica')
  // It refuses to be emptied, to everybody: so it must be, between histories.
  await client.query('alter table audit_log disable trigger all')
  const emptied = await emptyingStatements(client)
  return {
    db,
    clock,
    async rows<T extends object>(sql: string, values: unknown[] = []) {
      // Named, and so planned once: the same few questions are asked after every step.
      const name = createHash('md5').update(sql).digest('hex')
      return (await client.query<T>({ name, text: sql, values })).rows
    },
    takeChanged() {
      const was = changed
      changed = false
      return was
    },
    async reset() {
      clock.reset()
      await clock.tell((news) => client.query([emptied, ...(news ? [news] : [])].join('; ')))
      changed = true
    },
    async close() {
      await db.close(true)
      await client.end()
      await onServer(serverUrl, `drop database "${name}" with (force)`)
    },
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function emptyingStatements(client: Client): Promise<string> {
  const { rows } = await client.query<{ statement: string }>(
    `select format('delete from %I', tablename) as statement from pg_tables
     where schemaname = 'public' and tablename <> 'schema_migrations'
     union all
     select format('select setval(%L, 1, false)', sequencename) from pg_sequences
     where schemaname = 'public' and sequencename not in ('simulated_clock', 'schema_migrations_id_seq')`,
  )
  return rows.map(({ statement }) => statement).join('; ')
}
