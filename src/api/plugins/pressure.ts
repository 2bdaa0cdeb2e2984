import underPressure from '@fastify/under-pressure'
import { poolUsage } from '../../db/postgres/pool.ts'
import type { ApiDeps, App } from '../deps.ts'
import { ProblemError } from '../problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered however much there is to do: what nobody repeats, and what the platform asks. */
    neverShed?: boolean
  }
}

/** When a process has more to do than it can. */
export type PressureLimits = {
  /** How late the event loop runs its timers, on the average of a sample, milliseconds. */
  eventLoopDelayMs: number
  /** Who waits for a connection to Postgres, for each connection that the process may open. */
  waitingPerConnection: number
  /** How often both are looked at, milliseconds. */
  sampleMs: number
  /** Samples in a row that are over a limit: a single one may be a garbage collection, or a machine that slept. */
  samples: number
}

/**
 * Far beyond a burst. Fifty who wait for each connection have seconds to wait when Postgres is slow, and a statement
 * that waits for ten gets none.
 */
const LIMITS: PressureLimits = { eventLoopDelayMs: 1_000, waitingPerConnection: 50, sampleMs: 1_000, samples: 3 }

/**
 * Answers 503 at once, before keys and bodies are looked at, while this process has had more to do than it can for some
 * time: callers who wait longer and longer, give up and ask again would only add to it. Routes that are `neverShed` are
 * answered all the same. Comes after what every answer gets, and before the routes.
 *
 * The library's own limits hold for single samples, and one stall is over any of them. So it measures and asks, and what
 * it asks, its "health check", decides by several samples in a row.
 */
export async function shedUnderPressure(app: App, { db, logger, pressure = LIMITS }: ApiDeps): Promise<void> {
  const loopIsLate = inARow(pressure.samples)
  const poolIsFull = inARow(pressure.samples)
  let reported = ''

  const reasonsNow = (eventLoopDelayMs: number): string => {
    const { waiting, limit } = poolUsage(db)
    const late = loopIsLate(eventLoopDelayMs > pressure.eventLoopDelayMs)
    const full = poolIsFull(waiting > pressure.waitingPerConnection * limit)
    return [...(late ? ['event loop'] : []), ...(full ? ['postgres pool'] : [])].join(', ')
  }
  await app.register(underPressure, {
    sampleInterval: pressure.sampleMs,
    healthCheckInterval: pressure.sampleMs,
    healthCheck: async (measuring) => {
      const reason = reasonsNow(measuring.memoryUsage().eventLoopDelay)
      if (reason !== reported) logger.warn({ operation: 'pressure', reason }, reason === '' ? 'over' : 'shedding')
      reported = reason
      return reason === ''
    },
    pressureHandler: async (request) => {
      if (request.routeOptions.config.neverShed !== true) throw new ProblemError('overloaded')
    },
  })
}

/** @returns to be told of each sample whether it is over its limit; answers whether the last `count` all were */
export function inARow(count: number): (over: boolean) => boolean {
  let seen = 0
  return (over) => {
    seen = over ? seen + 1 : 0
    return seen >= count
  }
}
