import { Type } from 'typebox'
import { checkStores, type StoreChecks, troubles } from '../../../readiness.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { answerWith } from '../../errors.ts'
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

/**
 * GET /readyz. Open to everybody and never shed: who ask at the same time get one answer, so that they cannot take up the
 * connections to Postgres, however many they are.
 */
export function readyz(app: App, { db, publisher }: ApiDeps): void {
  let asking: Promise<StoreChecks> | null = null
  const ask = (): Promise<StoreChecks> => {
    asking ??= checkStores(db, publisher).finally(() => {
      asking = null
    })
    return asking
  }
  app.get('/readyz', { schema, config: { neverShed: true } }, async (request, reply) => {
    const checks = await ask()
    const needed = troubles({ database: checks.database, migrations: checks.migrations })
    if (needed === '') return { status: checks.redis === 'ok' ? ('ready' as const) : ('degraded' as const), checks }
    const problem = new ProblemError('not-ready', troubles(checks))
    return answerWith(problem, reply)
      .type(PROBLEM_CONTENT_TYPE)
      .send({ ...problemOf(problem, request.url, request.id), checks })
  })
}
