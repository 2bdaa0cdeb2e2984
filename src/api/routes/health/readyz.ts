import { Type } from 'typebox'
import { migrations } from '../../../db/migrations/index.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { PROBLEM_CONTENT_TYPE, ProblemError, problemOf, problemResponses } from '../../problem.ts'

const CHECK_TIMEOUT_MS = 3_000

const schema = {
  tags: ['health'],
  summary: 'The process can do its work: Postgres, its schema, Redis',
  response: {
    200: Type.Object({ status: Type.Literal('ready'), checks: Type.Record(Type.String(), Type.String()) }),
    ...problemResponses(503),
  },
}

/** GET /readyz */
export function readyz(app: App, { db, redis }: ApiDeps): void {
  app.get('/readyz', { schema }, async (request, reply) => {
    const [database, queue] = await Promise.all([
      within(CHECK_TIMEOUT_MS, appliedMigrations(db)),
      within(CHECK_TIMEOUT_MS, redis.ping()),
    ])
    const pending = migrations.filter(({ name }) => !database?.includes(name))
    const checks = {
      database: database === null ? 'failed' : 'ok',
      migrations: database === null ? 'unknown' : pending.length > 0 ? 'pending' : 'ok',
      redis: queue === null ? 'failed' : 'ok',
    }
    const failing = Object.entries(checks).filter(([, state]) => state !== 'ok')
    if (failing.length === 0) return { status: 'ready' as const, checks }
    const problem = new ProblemError('not-ready', failing.map(([name, state]) => `${name} ${state}`).join(', '))
    return reply
      .code(503)
      .type(PROBLEM_CONTENT_TYPE)
      .send({ ...problemOf(problem, request.url, request.id), checks })
  })
}

/** Names of the migrations the database has, or none when it never saw one. Creates nothing. */
async function appliedMigrations(db: ApiDeps['db']): Promise<string[]> {
  const em = db.em.fork()
  const [table] = await em.execute<{ name: string | null }[]>("select to_regclass('schema_migrations') as name")
  if (table?.name == null) return []
  const rows = await em.execute<{ name: string }[]>('select name from schema_migrations')
  return rows.map(({ name }) => name)
}

/** @returns null when it failed or took longer */
async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null)
  })
  try {
    return await Promise.race([work.catch(() => null), late])
  } finally {
    clearTimeout(timer)
  }
}
