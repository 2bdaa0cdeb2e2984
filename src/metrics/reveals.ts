import { Histogram, type Registry } from 'prom-client'
import { REVEAL_SECONDS } from './buckets.ts'

export type RevealMetrics = {
  /** The details that were paid for have gone out for the first time. @param seconds since the payment was recorded */
  revealed(seconds: number): void
}

export function createRevealMetrics(registry: Registry): RevealMetrics {
  const delay = new Histogram({
    name: 'lead_unlock_paid_to_revealed_seconds',
    help: 'Time from when a payment was recorded to when TextMagic accepted the details',
    buckets: REVEAL_SECONDS,
    registers: [registry],
  })
  return { revealed: (seconds) => delay.observe(seconds) }
}
