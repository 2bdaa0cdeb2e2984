import type { Registry } from 'prom-client'
import { createApiMetrics } from '../../src/metrics/api.ts'
import { showConsumption } from '../../src/metrics/consumption.ts'
import { createCollector } from '../../src/metrics/exposition.ts'
import { showProcess } from '../../src/metrics/process.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'

/** What Node and the system say of a process. */
export const PROCESS_METRICS = /^(?:process|nodejs)_/

export type Metric = { name: string; help: string; type: string; labelNames: string[] }

const nothing = async (): Promise<never> => {
  throw new Error('nobody looks')
}
const noPool = () => ({ inUse: 0, idle: 0, waiting: 0, limit: 0 })

/** Every metric that an API and a worker show, each name once. */
export function metricsOf(): Metric[] {
  const api = createApiMetrics(
    { queues: nothing, open: nothing, closedUnlocks: nothing, pool: noPool },
    () => undefined,
  )
  showProcess(api.registry, 'api')
  const worker = createWorkerMetrics(noPool)
  showConsumption(worker.registry, createCollector(worker.registry, { onError: () => undefined }), nothing)
  const all = [api.registry, worker.registry].flatMap(describe)
  return [...new Map(all.map((metric) => [metric.name, metric])).values()]
}

function describe(registry: Registry): Metric[] {
  return registry.getMetricsAsArray().map((metric) => {
    const labelNames: unknown = Reflect.get(metric, 'labelNames')
    const { name, help } = metric
    return {
      name,
      help,
      type: String(Reflect.get(metric, 'type')),
      labelNames: Array.isArray(labelNames) ? labelNames.map(String) : [],
    }
  })
}
