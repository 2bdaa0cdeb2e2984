import { Gauge, type Registry } from 'prom-client'
import type { PoolUsage } from '../db/postgres/pool.ts'

/** Shows how the connections to Postgres are used. @param usage asked at each scrape */
export function showPool(registry: Registry, usage: () => PoolUsage): void {
  const registers = [registry]
  new Gauge({
    name: 'lead_unlock_postgres_connections',
    help: 'Connections of this process to Postgres',
    labelNames: ['state'],
    registers,
    collect() {
      const { inUse, idle } = usage()
      this.set({ state: 'in_use' }, inUse)
      this.set({ state: 'idle' }, idle)
    },
  })
  new Gauge({
    name: 'lead_unlock_postgres_connections_limit',
    help: 'Connections that this process may open',
    registers,
    collect() {
      this.set(usage().limit)
    },
  })
  new Gauge({
    name: 'lead_unlock_postgres_waiting',
    help: 'Requests and jobs of this process that wait for a connection, webhooks to be stored together among them',
    registers,
    collect() {
      this.set(usage().waiting)
    },
  })
}
