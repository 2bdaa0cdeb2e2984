import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'bullmq'
import type { Config } from '../config.ts'
import type { LedgerTiming } from '../db/ledger/claim.ts'
import { pendingMigrations } from '../db/postgres/migrate-up.ts'
import type { Logger } from '../logging.ts'
import { DEFAULT_PREFIX, producerConnection, workerConnection } from '../queues/connection.ts'
import type { JobName } from '../queues/contract.ts'
import { requireNoEviction } from '../queues/eviction-policy.ts'
import { codeOf } from './errors.ts'
import { createConsumption } from './health/consumption.ts'
import { listenForHealth } from './health/listen.ts'
import type { HealthServer } from './health/server.ts'
import { createRegistry } from './registry.ts'
import { runWorker } from './run-worker.ts'
import { registerSchedules, startTimers } from './schedule.ts'
import { openServices } from './services.ts'

/** How often a worker that stops looks whether Redis is away. */
const CUT_OFF_CHECK_MS = 100

export type RunningWorkers = {
  /** Where it answers about its health; null when it does not listen. */
  port: number | null
  /**
   * Takes no new job and begins no recurring work, sends back the jobs that wait for their turn to send, finishes those under
   * way, stops answering about its health, then lets go of gateways, Redis and Postgres, in this order. While Redis is away
   * it does not wait for it.
   */
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
  const { services, endWaits, close: closeServices } = await openServices(config, redis, log, options)
  const workers: Worker[] = []
  const consumption = createConsumption({
    publisher: services.publisher,
    queues,
    limitMs: config.worker.consumingMinutes * 60_000,
  })
  let health: HealthServer | null = null
  let working = false
  let underWay = 0
  // Ends the wait for BullMQ, which would wait for a Redis that is away as long as it takes, only to tell it which jobs are
  // done. Those under way are waited for; what Redis does not hear of is found by the sweep.
  const cutOff = async () => {
    while (connection.status === 'ready' || underWay > 0) await delay(CUT_OFF_CHECK_MS)
  }
  let stopTimers = async (): Promise<void> => undefined
  const letGo = async () => {
    // First, so that no worker here takes the jobs again that come back when the waits end.
    const finished = Promise.all(workers.map((worker) => worker.close()))
    await Promise.all([Promise.race([finished, cutOff()]), endWaits(), stopTimers()])
    await health?.close()
    await closeServices()
    redis.disconnect()
    connection.disconnect()
  }
  try {
    const { port } = config.worker
    // First, because the rest waits for Redis as long as it takes: until then the process is alive and not ready.
    if (port !== null) {
      health = await listenForHealth(config, { port, services, consumption, isWorking: () => working })
    }
    if ((await pendingMigrations(services.db)).length > 0) {
      throw new PendingMigrationsError('the database schema is older than this code: run `npm run migrate` first')
    }
    await requireNoEviction(connection)
    for (const name of queues) {
      const handler = registry.get(name)
      if (handler === undefined) throw new Error(`no handler for ${name}`)
      const concurrency = config.worker.concurrency
      workers.push(
        runWorker(services, handler, {
          connection,
          prefix,
          onAttempt(change) {
            underWay += change
            consumption.touched(name)
          },
          ...(concurrency === null ? {} : { concurrency }),
        }),
      )
    }
    await registerSchedules(services.publisher, config)
  } catch (error) {
    await letGo()
    throw error
  }
  working = true
  stopTimers = startTimers(services, config)
  return {
    port: health?.port ?? null,
    async close() {
      working = false
      await letGo()
    },
  }
}
