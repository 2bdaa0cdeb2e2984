import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'
import { productVersion } from '../version.ts'

/**
 * Shows what Node and the system say of this process (`process_*`, `nodejs_*`), and which build it is. Call it once in a
 * process: it begins to watch the event loop and the garbage collector.
 *
 * @param role what the process is: `api` or `worker`
 */
export function showProcess(registry: Registry, role: string): void {
  collectDefaultMetrics({ register: registry })
  const build = new Gauge({
    name: 'lead_unlock_build_info',
    help: 'Always 1: the version of the product and of Node, and the role of the process',
    labelNames: ['version', 'node', 'role'],
    registers: [registry],
  })
  build.set({ version: productVersion(), node: process.versions.node, role }, 1)
}
