import type { IncomingMessage } from 'node:http'
import { bearerOf } from '../../bearer.ts'
import { isSameSecret } from '../../domain/same-secret.ts'
import type { Exposition } from '../../metrics/exposition.ts'
import { RedisAwayError } from '../../queues/publisher.ts'
import { type StoreChecks, troubles } from '../../readiness.ts'
import type { Consumption } from './consumption.ts'
import { type Answer, json, type Routes } from './server.ts'

export type HealthFacts = {
  /** Whether this process takes jobs: not while it starts, and not any more while it stops. */
  isWorking(): boolean
  checkStores(): Promise<StoreChecks>
  consumption: Pick<Consumption, 'stuckQueues'>
  exposition: Exposition
  /** Any of these opens /metrics. */
  secrets: readonly string[]
}

/** What a worker is asked by the platform and by Prometheus. */
export function healthRoutes(facts: HealthFacts): Routes {
  return {
    '/healthz': async () => json(200, { status: 'alive' }),
    '/readyz': () => readyz(facts),
    '/consuming': () => consuming(facts),
    '/metrics': (request) => metrics(facts, request),
  }
}

/** A worker needs both stores for everything it does. */
async function readyz({ isWorking, checkStores }: HealthFacts): Promise<Answer> {
  const checks = { ...(await checkStores()), worker: isWorking() ? 'ok' : 'not working' }
  return troubles(checks) === '' ? json(200, { status: 'ready', checks }) : json(503, { status: 'not ready', checks })
}

/** 503 is worth a restart, so it is said of this process alone: while Redis is away nobody knows of jobs that wait. */
async function consuming({ consumption }: HealthFacts): Promise<Answer> {
  try {
    const stuck = await consumption.stuckQueues()
    if (stuck.length === 0) return json(200, { status: 'consuming' })
    const queues = stuck.map(({ queue, waiting, oldestSeconds, untouchedSeconds }) => ({
      queue,
      waiting,
      oldest_seconds: oldestSeconds,
      untouched_seconds: untouchedSeconds,
    }))
    return json(503, { status: 'stuck', queues })
  } catch (error) {
    if (error instanceof RedisAwayError) return json(200, { status: 'unknown', reason: 'redis failed' })
    throw error
  }
}

async function metrics({ exposition, secrets }: HealthFacts, request: IncomingMessage): Promise<Answer> {
  const presented = bearerOf(request)
  const isKnown = presented !== null && secrets.filter((secret) => isSameSecret(presented, secret)).length > 0
  if (!isKnown) return json(401, { status: 'unauthorized' }, { 'www-authenticate': 'Bearer realm="lead-unlock"' })
  return { status: 200, contentType: exposition.contentType, body: await exposition.text() }
}
