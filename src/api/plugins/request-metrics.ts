import type { HttpMetrics } from '../../metrics/http.ts'
import type { App } from '../deps.ts'

/** Measures every answered request by its route. What no route took counts as one, whatever was asked for. */
export function measureRequests(app: App, metrics: HttpMetrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    metrics.answered({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
}
