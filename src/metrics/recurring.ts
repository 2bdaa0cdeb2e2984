import { Counter, Gauge, type Registry } from 'prom-client'
import { type JobName, jobNames } from '../queues/contract.ts'

/** Where the backfill looks for what webhooks did not bring. */
export const BACKFILL_SOURCES = ['replies', 'events', 'sessions'] as const
export type BackfillSource = (typeof BACKFILL_SOURCES)[number]

export type RecurringMetrics = {
  /** A run went through to its end, in this process. */
  finished(work: 'sweep' | 'backfill'): void
  /** The sweep found work due, and published a job for it. */
  wokeUp(queue: JobName): void
  /** The backfill found what no webhook had brought. */
  found(source: BackfillSource, count: number): void
}

export function createRecurringMetrics(registry: Registry): RecurringMetrics {
  const registers = [registry]
  const finished = new Gauge({
    name: 'lead_unlock_recurring_last_finished_timestamp_seconds',
    help: 'When sweep and backfill last went through in this process; its start when they never have',
    labelNames: ['work'],
    registers,
  })
  const wakeUps = new Counter({
    name: 'lead_unlock_sweep_wake_ups_total',
    help: 'Work that the sweep found due in Postgres',
    labelNames: ['queue'],
    registers,
  })
  const found = new Counter({
    name: 'lead_unlock_backfill_found_total',
    help: 'Messages and events that the backfill found and no webhook had brought',
    labelNames: ['source'],
    registers,
  })
  for (const work of ['sweep', 'backfill']) finished.setToCurrentTime({ work })
  for (const queue of jobNames) wakeUps.inc({ queue }, 0)
  for (const source of BACKFILL_SOURCES) found.inc({ source }, 0)
  return {
    finished: (work) => finished.setToCurrentTime({ work }),
    wokeUp: (queue) => wakeUps.inc({ queue }),
    found: (source, count) => found.inc({ source }, count),
  }
}
