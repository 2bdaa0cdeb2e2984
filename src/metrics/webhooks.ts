import { Counter, type Registry } from 'prom-client'
import { INBOX_SOURCES, type InboxSource } from '../db/inbox/sources.ts'

/**
 * What a webhook was answered.
 * - stored, duplicate: 200, and kept now or before
 * - unintelligible: 200, kept for a person
 * - nothing: 200 to a test of the callback URL
 * - refused: 4xx, the signature or the token is wrong
 * - failed: 5xx, it could not be stored
 */
const WEBHOOK_RESULTS = ['stored', 'duplicate', 'unintelligible', 'nothing', 'refused', 'failed'] as const
export type WebhookResult = (typeof WEBHOOK_RESULTS)[number]

export type WebhookMetrics = { answered(source: InboxSource, result: WebhookResult): void }

export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const answers = new Counter({
    name: 'lead_unlock_webhooks_total',
    help: 'Webhooks by the URL that was called and what they were answered',
    labelNames: ['source', 'result'],
    registers: [registry],
  })
  // There from the start: an increase from nothing is none to Prometheus.
  for (const source of INBOX_SOURCES) for (const result of WEBHOOK_RESULTS) answers.inc({ source, result }, 0)
  return {
    answered: (source, result) => answers.inc({ source, result }),
  }
}
