import { Gauge, type Registry } from 'prom-client'
import type { Collector } from './exposition.ts'

const FRESH_MS = 10_000

/** Shows what /consuming answers. @param isConsuming false when jobs wait that this worker leaves alone */
export function showConsumption(registry: Registry, collector: Collector, isConsuming: () => Promise<boolean>): void {
  const consuming = new Gauge({
    name: 'lead_unlock_worker_consuming',
    help: '0 when jobs wait that this worker should take and does not; 1 otherwise, also when there is nothing to do',
    registers: [registry],
  })
  collector.add({
    source: 'consumption',
    freshMs: FRESH_MS,
    read: isConsuming,
    show: (value: boolean) => consuming.set(value ? 1 : 0),
    clear: () => consuming.remove(),
  })
}
