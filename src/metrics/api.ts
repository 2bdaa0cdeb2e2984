import { Registry } from 'prom-client'
import type { PoolUsage } from '../db/postgres/pool.ts'
import { createCollector, type Exposition } from './exposition.ts'
import { createHttpMetrics, type HttpMetrics } from './http.ts'
import { showPool } from './pool.ts'
import { type SystemFacts, showSystem } from './system.ts'
import { createWakeUpMetrics, type WakeUpMetrics } from './wake-ups.ts'
import { createWebhookMetrics, type WebhookMetrics } from './webhooks.ts'

/** What an API process measures. */
export type ApiMetrics = {
  registry: Registry
  exposition: Exposition
  http: HttpMetrics
  webhooks: WebhookMetrics
  wakeUps: WakeUpMetrics
}

export type ApiFacts = SystemFacts & { pool(): PoolUsage }

/** @param onError told of each figure that could not be had for a scrape */
export function createApiMetrics(facts: ApiFacts, onError: (error: unknown, source: string) => void): ApiMetrics {
  const registry = new Registry()
  const collector = createCollector(registry, { onError })
  showSystem(registry, collector, facts)
  showPool(registry, facts.pool)
  return {
    registry,
    exposition: collector,
    http: createHttpMetrics(registry),
    webhooks: createWebhookMetrics(registry),
    wakeUps: createWakeUpMetrics(registry),
  }
}
