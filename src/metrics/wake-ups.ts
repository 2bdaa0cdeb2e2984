import { Counter, type Registry } from 'prom-client'
import { type JobName, jobNames } from '../queues/contract.ts'

export type WakeUpMetrics = {
  /** A wake-up could not be published: the sweep repeats it. */
  lost(queue: JobName): void
}

export function createWakeUpMetrics(registry: Registry): WakeUpMetrics {
  const lost = new Counter({
    name: 'lead_unlock_wake_ups_lost_total',
    help: 'Wake-ups that could not be published, because Redis was away; the sweep repeats them',
    labelNames: ['queue'],
    registers: [registry],
  })
  for (const queue of jobNames) lost.inc({ queue }, 0)
  return { lost: (queue) => lost.inc({ queue }) }
}
