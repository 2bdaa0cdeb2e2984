import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { RedisAwayError } from '../../../src/queues/publisher.ts'
import type { StoreChecks } from '../../../src/readiness.ts'
import type { StuckQueue } from '../../../src/workers/health/consumption.ts'
import { type HealthFacts, healthRoutes } from '../../../src/workers/health/routes.ts'

const WELL: StoreChecks = { database: 'ok', migrations: 'ok', redis: 'ok' }

/** Asks a worker of which these facts are true. */
async function ask(path: string, facts: Partial<HealthFacts> = {}, authorization?: string) {
  const routes = healthRoutes({
    isWorking: () => true,
    checkStores: async () => WELL,
    consumption: { stuckQueues: async () => [] },
    exposition: { contentType: 'text/plain', text: async () => 'figures' },
    secrets: ['metrics-token', 'admin-key'],
    ...facts,
  })
  const request = new IncomingMessage(new Socket())
  if (authorization !== undefined) request.headers.authorization = authorization
  const answer = await routes[path]?.(request)
  return { status: answer?.status, body: answer?.body ?? '' }
}

describe('a worker', () => {
  it('is alive whatever is away', async () => {
    const away = async (): Promise<never> => {
      throw new RedisAwayError('Redis is away')
    }
    expect(await ask('/healthz', { checkStores: away, isWorking: () => false })).toEqual({
      status: 200,
      body: '{"status":"alive"}',
    })
  })

  it.each<[string, Partial<StoreChecks>, boolean]>([
    ['Postgres is away', { database: 'failed', migrations: 'unknown' }, true],
    ['migrations are pending', { migrations: 'pending' }, true],
    ['Redis is away', { redis: 'failed' }, true],
    ['it starts or stops', {}, false],
  ])('is not ready while %s', async (_case, checks, working) => {
    const facts = { checkStores: async () => ({ ...WELL, ...checks }), isWorking: () => working }
    const { status, body } = await ask('/readyz', facts)
    expect(status).toBe(503)
    expect(JSON.parse(body)).toMatchObject({ status: 'not ready', checks })
    expect((await ask('/readyz')).status).toBe(200)
  })

  it('says 503 and which queues when jobs wait that it leaves alone', async () => {
    const stuck: StuckQueue[] = [{ queue: 'reveal', waiting: 12, oldestSeconds: 400, untouchedSeconds: 500 }]
    const { status, body } = await ask('/consuming', { consumption: { stuckQueues: async () => stuck } })
    expect(status).toBe(503)
    expect(JSON.parse(body)).toEqual({
      status: 'stuck',
      queues: [{ queue: 'reveal', waiting: 12, oldest_seconds: 400, untouched_seconds: 500 }],
    })
    expect(await ask('/consuming')).toEqual({ status: 200, body: '{"status":"consuming"}' })
  })

  it('is not to be restarted because Redis is away: nobody knows whether jobs wait', async () => {
    const stuckQueues = async (): Promise<never> => {
      throw new RedisAwayError('Redis is away')
    }
    expect(await ask('/consuming', { consumption: { stuckQueues } })).toMatchObject({ status: 200 })
  })

  it('does not pass for one that takes jobs when looking for those that wait fails otherwise', async () => {
    const stuckQueues = async (): Promise<never> => {
      throw new Error('broken')
    }
    await expect(ask('/consuming', { consumption: { stuckQueues } })).rejects.toThrow('broken')
  })

  it.each(['Bearer metrics-token', 'bearer admin-key'])('shows its figures to %s', async (authorization) => {
    expect(await ask('/metrics', {}, authorization)).toEqual({ status: 200, body: 'figures' })
  })

  it.each([undefined, 'Bearer ', 'Bearer wrong', 'Basic metrics-token', 'metrics-token'])(
    'shows its figures to nobody who says %s',
    async (authorization) => {
      const { status, body } = await ask('/metrics', {}, authorization)
      expect(status).toBe(401)
      expect(body).not.toContain('figures')
    },
  )
})
