import { Type } from 'typebox'
import { bearerOf } from '../../bearer.ts'
import { isSameSecret } from '../../domain/same-secret.ts'
import { authenticate } from '../auth/bearer.ts'
import type { Identify } from '../auth/keyring.ts'
import { isStaff } from '../auth/roles.ts'
import type { ApiDeps, App } from '../deps.ts'
import { ProblemError, problemResponses } from '../problem.ts'

const schema = {
  tags: ['health'],
  summary: 'Figures for Prometheus',
  description: 'METRICS_TOKEN opens it, and every key of an admin or an operator.',
  security: [{ apiKey: [] }],
  response: {
    200: { description: 'Prometheus text format', content: { 'text/plain': { schema: Type.String() } } },
    ...problemResponses(401, 403, 429, 503),
  },
}

/**
 * GET /metrics. Closed to the public, since it tells how business goes. The token is for Prometheus: it opens nothing else.
 */
export function serveMetrics(app: App, { metrics, config }: ApiDeps, identify: Identify): void {
  const { exposition } = metrics
  const isToken = (presented: string) => config.metricsToken !== null && isSameSecret(presented, config.metricsToken)

  app.get('/metrics', {
    schema,
    config: { neverShed: true },
    async onRequest(request, reply) {
      const presented = bearerOf(request)
      if (presented !== null && isToken(presented)) return
      const caller = await authenticate(app, identify, request, reply)
      if (!isStaff(caller)) throw new ProblemError('forbidden')
    },
    async handler(_request, reply) {
      const text = await exposition.text()
      return reply.header('cache-control', 'no-store').type(exposition.contentType).send(text)
    },
  })
}
