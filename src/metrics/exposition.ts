import { Counter, type Registry } from 'prom-client'
import { createSource, type Figures, type Source } from './source.ts'

/** Longest that one scrape waits for Postgres and Redis; Prometheus itself gives up after 10 seconds. */
const PATIENCE_MS = 2_000

/** What a scrape gets. */
export type Exposition = {
  contentType: string
  /** Every metric in Prometheus' text format; figures that cannot be had are left out, the others are there. */
  text(): Promise<string>
}

/** Lets a registry show figures that have to be asked for. */
export type Collector = Exposition & {
  /** Adds figures that are asked for when a scrape comes. */
  add<T>(figures: Figures<T>): void
}

export type CollectorOptions = {
  /** Told of each answer that could not be had. */
  onError: (error: unknown, source: string) => void
  patienceMs?: number
  now?: () => number
}

export function createCollector(registry: Registry, options: CollectorOptions): Collector {
  const { onError, patienceMs = PATIENCE_MS, now = () => performance.now() } = options
  const errors = new Counter({
    name: 'lead_unlock_collect_errors_total',
    help: 'Figures that could not be had for a scrape, by where they come from',
    labelNames: ['source'],
    registers: [registry],
  })
  const sources: Source[] = []
  return {
    contentType: registry.contentType,
    async text() {
      await Promise.all(sources.map((source) => source.refresh()))
      return registry.metrics()
    },
    add(figures) {
      errors.inc({ source: figures.source }, 0)
      sources.push(createSource(figures, { errors, patienceMs, onError, now }))
    },
  }
}
