import { Histogram, type Registry } from 'prom-client'
import { CALL_SECONDS } from './buckets.ts'

export type HttpMetrics = {
  /** @param route its pattern, never a URL: those hold ids and tokens */
  answered(request: { method: string; route: string; status: number }, seconds: number): void
}

export function createHttpMetrics(registry: Registry): HttpMetrics {
  const duration = new Histogram({
    name: 'lead_unlock_http_request_duration_seconds',
    help: 'Answered HTTP requests by route pattern and status, and how long they took',
    labelNames: ['method', 'route', 'status'],
    buckets: CALL_SECONDS,
    registers: [registry],
  })
  return {
    answered: (labels, seconds) => duration.observe(labels, seconds),
  }
}
