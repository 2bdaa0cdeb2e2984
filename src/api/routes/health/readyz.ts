import { Type } from 'typebox'
import { checkStores, troubles } from '../../../readiness.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { PROBLEM_CONTENT_TYPE, ProblemError, problemOf, problemResponses } from '../../problem.ts'

const schema = {
  tags: ['health'],
  summary: 'The process can do its work: Postgres and its schema',
  description:
    'Without Redis it is ready and `degraded`: everything is accepted and stored, and what is due goes out once Redis is back.',
  response: {
    200: Type.Object({
      status: Type.Union([Type.Literal('ready'), Type.Literal('degraded')]),
      checks: Type.Record(Type.String(), Type.String()),
    }),
    ...problemResponses(503),
  },
}

/** GET /readyz */
export function readyz(app: App, { db, publisher }: ApiDeps): void {
  app.get('/readyz', { schema, config: { neverShed: true } }, async (request, reply) => {
    const checks = await checkStores(db, publisher)
    const needed = troubles({ database: checks.database, migrations: checks.migrations })
    if (needed === '') return { status: checks.redis === 'ok' ? ('ready' as const) : ('degraded' as const), checks }
    const problem = new ProblemError('not-ready', troubles(checks))
    return reply
      .code(503)
      .type(PROBLEM_CONTENT_TYPE)
      .send({ ...problemOf(problem, request.url, request.id), checks })
  })
}
