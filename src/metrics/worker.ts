import { Registry } from 'prom-client'
import type { PoolUsage } from '../db/postgres/pool.ts'
import { createDeliveryMetrics, type DeliveryMetrics } from './deliveries.ts'
import { createGatewayMetrics, type GatewayMetrics } from './gateways.ts'
import { createJobMetrics, type JobMetrics } from './jobs.ts'
import { showPool } from './pool.ts'
import { createRecurringMetrics, type RecurringMetrics } from './recurring.ts'
import { createRevealMetrics, type RevealMetrics } from './reveals.ts'
import { createWakeUpMetrics, type WakeUpMetrics } from './wake-ups.ts'

/** What a worker process measures. */
export type WorkerMetrics = {
  registry: Registry
  jobs: JobMetrics
  gateways: GatewayMetrics
  recurring: RecurringMetrics
  reveals: RevealMetrics
  deliveries: DeliveryMetrics
  wakeUps: WakeUpMetrics
}

export function createWorkerMetrics(pool: () => PoolUsage): WorkerMetrics {
  const registry = new Registry()
  showPool(registry, pool)
  return {
    registry,
    jobs: createJobMetrics(registry),
    gateways: createGatewayMetrics(registry),
    recurring: createRecurringMetrics(registry),
    reveals: createRevealMetrics(registry),
    deliveries: createDeliveryMetrics(registry),
    wakeUps: createWakeUpMetrics(registry),
  }
}
