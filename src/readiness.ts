import type { MikroORM } from '@mikro-orm/postgresql'
import { migrations } from './db/migrations/index.ts'
import { inTime } from './in-time.ts'
import type { Publisher } from './queues/publisher.ts'

const CHECK_TIMEOUT_MS = 3_000

/** What a process stands on, asked right now. */
export type StoreChecks = {
  /** `failed` also when it takes no writes, as the old primary after a failover. */
  database: 'ok' | 'failed'
  /** `pending` when the schema is older than this code. */
  migrations: 'ok' | 'pending' | 'unknown'
  redis: 'ok' | 'failed'
}

/** Asks Postgres and Redis, each for 3 seconds at most. Creates nothing, also in an empty database. */
export async function checkStores(db: MikroORM, publisher: Pick<Publisher, 'takesWrites'>): Promise<StoreChecks> {
  const [applied, writes] = await Promise.allSettled([asked(appliedMigrations(db)), asked(publisher.takesWrites())])
  const redis = writes.status === 'fulfilled' && writes.value ? 'ok' : 'failed'
  if (applied.status === 'rejected') return { database: 'failed', migrations: 'unknown', redis }
  const isPending = migrations.some(({ name }) => !applied.value.includes(name))
  return { database: 'ok', migrations: isPending ? 'pending' : 'ok', redis }
}

/** What keeps a process from its work, in words: `database failed, migrations unknown`; empty when nothing does. */
export function troubles(checks: Readonly<Record<string, string>>): string {
  return Object.entries(checks)
    .filter(([, state]) => state !== 'ok')
    .map(([name, state]) => `${name} ${state}`)
    .join(', ')
}

/**
 * Names of the migrations the database has, or none when it never saw one. Asked with a write that changes nothing, which a
 * server that takes none refuses.
 */
async function appliedMigrations(db: MikroORM): Promise<string[]> {
  const em = db.em.fork()
  const [table] = await em.execute<{ name: string | null }[]>("select to_regclass('schema_migrations') as name")
  if (table?.name == null) return []
  const rows = await em.execute<{ name: string }[]>(
    'with written as (update schema_migrations set name = name where false) select name from schema_migrations',
  )
  return rows.map(({ name }) => name)
}

/** @throws also when the answer takes too long */
function asked<T>(answer: Promise<T>): Promise<T> {
  return inTime(answer, CHECK_TIMEOUT_MS, () => {
    throw new Error('no answer in time')
  })
}
