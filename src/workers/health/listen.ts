import type { Config } from '../../config.ts'
import { showConsumption } from '../../metrics/consumption.ts'
import { createCollector } from '../../metrics/exposition.ts'
import { showProcess } from '../../metrics/process.ts'
import { checkStores } from '../../readiness.ts'
import type { WorkerServices } from '../deps.ts'
import type { Consumption } from './consumption.ts'
import { healthRoutes } from './routes.ts'
import { type HealthServer, serveHealth } from './server.ts'

export type HealthOptions = {
  port: number
  services: WorkerServices
  consumption: Consumption
  isWorking(): boolean
}

/** Lets a worker answer about its health, and show what it measures. Once in a process: it watches the process too. */
export function listenForHealth(config: Config, options: HealthOptions): Promise<HealthServer> {
  const { services, consumption, isWorking } = options
  const { registry } = services.metrics
  const collector = createCollector(registry, {
    onError: (error, source) =>
      services.log.warn({ operation: 'collect', source, err: error }, 'figures could not be had for a scrape'),
  })
  showProcess(registry, 'worker')
  showConsumption(registry, collector, async () => (await consumption.stuckQueues()).length === 0)
  const secrets = [config.metricsToken, config.adminApiKey, config.operatorApiKey].filter((secret) => secret !== null)
  const routes = healthRoutes({
    isWorking,
    checkStores: () => checkStores(services.db, services.publisher),
    consumption,
    exposition: collector,
    secrets,
  })
  return serveHealth(options.port, routes, (error) =>
    services.log.error({ operation: 'health', err: error }, 'a question about health could not be answered'),
  )
}
