import type { MikroORM } from '@mikro-orm/postgresql'
import type { FastifyBaseLogger } from 'fastify'
import { closedUnlocks, openFigures } from '../db/figures/figures.ts'
import { poolUsage } from '../db/postgres/pool.ts'
import { type ApiMetrics, createApiMetrics } from '../metrics/api.ts'
import { queueDepths } from '../queues/depths.ts'
import type { Publisher } from '../queues/publisher.ts'

/** The metrics of an API on these stores. Nothing is asked before somebody looks. */
export function measureApi(db: MikroORM, publisher: Publisher, log: FastifyBaseLogger): ApiMetrics {
  const facts = {
    queues: () => queueDepths(publisher),
    open: () => openFigures(db.em),
    closedUnlocks: () => closedUnlocks(db.em),
    pool: () => poolUsage(db),
  }
  return createApiMetrics(facts, (error, source) => {
    log.warn({ operation: 'collect', source, err: error }, 'figures could not be had for a scrape')
  })
}
