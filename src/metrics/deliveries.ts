import { Counter, type Registry } from 'prom-client'
import { DELIVERY_OUTCOMES, type DeliveryOutcome, PURPOSES, type Purpose } from '../domain/outbound.ts'

export type DeliveryMetrics = {
  /** It became known what the carrier made of a text; again, when a later word differs. */
  ended(purpose: Purpose, outcome: DeliveryOutcome): void
}

export function createDeliveryMetrics(registry: Registry): DeliveryMetrics {
  const deliveries = new Counter({
    name: 'lead_unlock_deliveries_total',
    help: 'Texts by purpose and what the carrier made of them',
    labelNames: ['purpose', 'outcome'],
    registers: [registry],
  })
  // There from the start: an increase from nothing is none to Prometheus.
  for (const purpose of PURPOSES) for (const outcome of DELIVERY_OUTCOMES) deliveries.inc({ purpose, outcome }, 0)
  return { ended: (purpose, outcome) => deliveries.inc({ purpose, outcome }) }
}
