import type { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createApiMetrics } from '../../../src/metrics/api.ts'
import { measureSendLimit } from '../../../src/metrics/send-limit.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { readScrape } from '../../support/figures.ts'

const pool = () => ({ inUse: 3, idle: 2, waiting: 7, limit: 10 })
const away = () => Promise.reject(new Error('away'))

const apiMetrics = () => createApiMetrics({ queues: away, open: away, closedUnlocks: away, pool }, () => undefined)
const shown = async (registry: Registry) => readScrape(await registry.metrics())

describe('times are shown in seconds', () => {
  it('by a worker', async () => {
    const metrics = createWorkerMetrics(pool)
    metrics.gateways.called({ operation: 'textmagic send', outcome: 'ok', ms: 1_500 })
    metrics.gateways.waitedForSlot('reveal', false, 2)
    metrics.jobs.waited('reveal', 3)
    metrics.jobs.ended('reveal', 'failed', 4)
    metrics.reveals.revealed(5)
    const { value } = await shown(metrics.registry)
    const sum = (name: string, labels?: Record<string, string>) => value(`lead_unlock_${name}_seconds_sum`, labels)
    expect(sum('gateway_call_duration', { gateway: 'textmagic', operation: 'send' })).toBe(1.5)
    expect(sum('send_limit_wait', { send_class: 'reveal', granted: 'false' })).toBe(2)
    expect(sum('job_wait', { queue: 'reveal' })).toBe(3)
    expect(sum('job_duration', { queue: 'reveal' })).toBe(4)
    expect(sum('paid_to_revealed')).toBe(5)
  })

  it('by an API', async () => {
    const metrics = apiMetrics()
    metrics.http.answered({ method: 'GET', route: '/healthz', status: 200 }, 0.25)
    const labels = { method: 'GET', route: '/healthz', status: '200' }
    const { value } = await shown(metrics.registry)
    expect(value('lead_unlock_http_request_duration_seconds_sum', labels)).toBe(0.25)
  })
})

it('what counts up is there from the start, so that a first one is an increase', async () => {
  const { registry, jobs, wakeUps, recurring, deliveries } = createWorkerMetrics(pool)
  const before = await shown(registry)
  jobs.stalled('reveal')
  wakeUps.lost('reveal')
  recurring.wokeUp('reveal')
  recurring.found('replies', 3)
  deliveries.ended('payment_link', 'undelivered')
  const after = await shown(registry)
  const counted: [string, Record<string, string>, number][] = [
    ['lead_unlock_jobs_total', { queue: 'reveal', outcome: 'stalled' }, 1],
    ['lead_unlock_wake_ups_lost_total', { queue: 'reveal' }, 1],
    ['lead_unlock_sweep_wake_ups_total', { queue: 'reveal' }, 1],
    ['lead_unlock_backfill_found_total', { source: 'replies' }, 3],
    ['lead_unlock_deliveries_total', { purpose: 'payment_link', outcome: 'undelivered' }, 1],
  ]
  for (const [name, labels, value] of counted) {
    expect([name, before.value(name, labels), after.value(name, labels)]).toEqual([name, 0, value])
  }
})

it('a worker that has not swept yet shows when it started, not the year 1970', async () => {
  const startedAt = Date.now() / 1000
  const { value } = await shown(createWorkerMetrics(pool).registry)
  for (const work of ['sweep', 'backfill']) {
    expect(value('lead_unlock_recurring_last_finished_timestamp_seconds', { work })).toBeGreaterThanOrEqual(startedAt)
  }
})

it('connections to Postgres are shown by what they do', async () => {
  for (const { registry } of [createWorkerMetrics(pool), apiMetrics()]) {
    const { value } = await shown(registry)
    expect(value('lead_unlock_postgres_connections', { state: 'in_use' })).toBe(3)
    expect(value('lead_unlock_postgres_connections', { state: 'idle' })).toBe(2)
    expect(value('lead_unlock_postgres_waiting')).toBe(7)
    expect(value('lead_unlock_postgres_connections_limit')).toBe(10)
  }
})

it.each([
  ['was had', async () => undefined, true],
  ['was not had', away, false],
])('the wait for a slot that %s is measured as such', async (_what, acquire, granted) => {
  const waits: { sendClass: string; granted: boolean; seconds: number }[] = []
  const limit = measureSendLimit(
    { acquire },
    { waitedForSlot: (sendClass, wasGranted, seconds) => waits.push({ sendClass, granted: wasGranted, seconds }) },
  )
  const since = performance.now()
  const [{ status }] = await Promise.allSettled([limit.acquire('notice')])
  const most = (performance.now() - since) / 1000
  expect(status).toBe(granted ? 'fulfilled' : 'rejected')
  expect(waits).toMatchObject([{ sendClass: 'notice', granted }])
  for (const { seconds } of waits) expect(seconds).toBeLessThanOrEqual(most)
})
