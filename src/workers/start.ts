import type { Worker } from 'bullmq'
import type { Config } from '../config.ts'
import type { LedgerTiming } from '../db/ledger.ts'
import { pendingMigrations } from '../db/migrate-up.ts'
import type { Logger } from '../logging.ts'
import { DEFAULT_PREFIX, producerConnection, workerConnection } from '../queues/connection.ts'
import type { JobName } from '../queues/contract.ts'
import { requireNoEviction } from '../queues/eviction-policy.ts'
import { codeOf } from './errors.ts'
import { createRegistry } from './registry.ts'
import { runWorker } from './run-worker.ts'
import { registerSchedules, startTimers } from './schedule.ts'
import { openServices } from './services.ts'

export type RunningWorkers = {
  /** Takes no new job, finishes those under way, then lets go of gateways, Redis and Postgres, in this order. */
  close(): Promise<void>
}

/** The schema is older than this code. */
export class PendingMigrationsError extends Error {
  readonly code = 'migrations_pending'
}

/**
 * Starts the workers of one process.
 *
 * @param queues which jobs this process does
 * @throws {PendingMigrationsError} before `npm run migrate`
 * @throws {EvictionPolicyError} when Redis would throw jobs away
 */
export async function startWorkers(
  config: Config,
  log: Logger,
  queues: readonly JobName[],
  options: { prefix?: string; ledgerTiming?: LedgerTiming } = {},
): Promise<RunningWorkers> {
  const registry = createRegistry()
  const prefix = options.prefix ?? DEFAULT_PREFIX
  const connection = workerConnection(config.redisUrl)
  const redis = producerConnection(config.redisUrl)
  for (const client of [connection, redis]) {
    client.on('error', (error) => log.warn({ operation: 'redis', error_code: codeOf(error) }, 'Redis is away'))
  }
  const { services, close: closeServices } = await openServices(config, redis, log, options)
  const workers: Worker[] = []
  const letGo = async () => {
    await Promise.all(workers.map((worker) => worker.close()))
    await closeServices()
    redis.disconnect()
    connection.disconnect()
  }
  try {
    if ((await pendingMigrations(services.db)).length > 0) {
      throw new PendingMigrationsError('the database schema is older than this code: run `npm run migrate` first')
    }
    await requireNoEviction(connection)
    for (const name of queues) {
      const handler = registry.get(name)
      if (handler === undefined) throw new Error(`no handler for ${name}`)
      const concurrency = config.worker.concurrency
      workers.push(
        runWorker(services, handler, { connection, prefix, ...(concurrency === null ? {} : { concurrency }) }),
      )
    }
    await registerSchedules(services.publisher, config)
  } catch (error) {
    await letGo()
    throw error
  }
  const stopTimers = startTimers(services, config)
  return {
    async close() {
      await stopTimers()
      await letGo()
    },
  }
}
