import type { InboxSource } from '../../../db/inbox/sources.ts'
import type { StoredArrival } from '../../../db/inbox/store.ts'
import type { WebhookMetrics, WebhookResult } from '../../../metrics/webhooks.ts'
import type { App } from '../../deps.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a webhook's handler made of it; null when it was not reached. */
    webhookResult: WebhookResult | null
  }
  interface FastifyContextConfig {
    /** Which webhook this route is. */
    webhook?: InboxSource
  }
}

/** Counts what the webhooks of this scope are answered. */
export function countWebhooks(scope: App, metrics: WebhookMetrics): void {
  scope.decorateRequest('webhookResult', null)
  scope.addHook('onResponse', async (request, reply) => {
    const source = request.routeOptions.config.webhook
    if (source === undefined) return
    metrics.answered(source, reply.statusCode >= 500 ? 'failed' : (request.webhookResult ?? 'refused'))
  })
}

/** What became of something that a gateway sent. */
export function resultOf({ duplicate, intelligible }: StoredArrival): WebhookResult {
  if (duplicate) return 'duplicate'
  return intelligible ? 'stored' : 'unintelligible'
}
