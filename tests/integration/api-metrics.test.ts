import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApiKey } from '../../src/db/access/api-keys.ts'
import { claimDue } from '../../src/db/due/due.ts'
import { ESCALATION_KINDS } from '../../src/db/escalations/escalations.ts'
import { openFigures } from '../../src/db/figures/figures.ts'
import { markFailed } from '../../src/db/inbox/inbox.ts'
import { inTransaction, openDatabase } from '../../src/db/postgres/orm.ts'
import { drawApiKey, hashApiKey } from '../../src/domain/api-key.ts'
import type { Role } from '../../src/domain/roles.ts'
import { UNLOCK_STATUSES } from '../../src/domain/states.ts'
import { jobNames } from '../../src/queues/contract.ts'
import { readScrape } from '../support/figures.ts'
import { openMigratedDatabase } from '../support/migrated-database.ts'
import { until } from '../support/until.ts'
import { ADMIN_KEY, AMY, type Harness, LEAD, OPERATOR_KEY, startHarness, TOKEN } from './api-harness.ts'

const METRICS_TOKEN = 'metrics-token-for-tests'

let api: Harness
beforeAll(async () => {
  api = await startHarness({ config: { metricsToken: METRICS_TOKEN } })
})
afterAll(() => api.close())

const get = (key: string | null, harness = api) =>
  harness.inject({
    method: 'GET',
    url: '/metrics',
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  })

async function scrape(harness = api) {
  const { status, text } = await get(ADMIN_KEY, harness)
  expect(status).toBe(200)
  return readScrape(text)
}

/** A scrape that holds these metrics: on a busy machine Postgres and Redis may take longer than a scrape waits. */
async function scrapeWith(harness: Harness, ...names: string[]) {
  let seen = await scrape(harness)
  const isThere = (name: string) => [...seen.samples.keys()].some((key) => key.startsWith(name))
  await until(`figures of ${names.join()}`, async () => {
    seen = await scrape(harness)
    return names.every(isThere)
  })
  return seen
}

const SYSTEM = ['lead_unlock_queue_jobs', 'lead_unlock_unlocks{status="PAID"', 'lead_unlock_unlocks{status="DONE"']

describe('the figures of an API', () => {
  it('are shown to Prometheus, to admins and to operators, and to nobody else', async () => {
    const keyOf = async (role: Role) => {
      const key = drawApiKey()
      const by = { keyName: 'cli', role: null, requestId: null }
      await createApiKey(api.db.em, { name: `metrics-${role}`, role, hash: hashApiKey(key) }, by)
      return key
    }
    for (const key of [METRICS_TOKEN, ADMIN_KEY, OPERATOR_KEY, await keyOf('operator')]) {
      const { status, headers } = await get(key)
      expect(status).toBe(200)
      expect(headers['content-type']).toContain('text/plain; version=0.0.4')
      expect(headers['cache-control']).toBe('no-store')
    }
    expect((await get(await keyOf('intake'))).status).toBe(403)
    for (const key of [null, 'wrong', TOKEN]) expect((await get(key)).status).toBe(401)
    expect((await api.call('GET', '/api/leads', undefined, { authorization: `Bearer ${METRICS_TOKEN}` })).status).toBe(
      401,
    )
  })

  it('hold every state, queue and kind from the start, so that a first one is an increase', async () => {
    const { value } = await scrapeWith(api, ...SYSTEM)
    for (const status of UNLOCK_STATUSES) expect(value('lead_unlock_unlocks', { status })).toBeDefined()
    for (const queue of jobNames) expect(value('lead_unlock_queue_jobs', { queue, state: 'failed' })).toBeDefined()
    for (const kind of ESCALATION_KINDS) expect(value('lead_unlock_escalations_open', { kind })).toBeDefined()
    expect(value('lead_unlock_webhooks_total', { source: 'stripe', result: 'failed' })).toBe(0)
    expect(value('lead_unlock_unrevealed_payment_age_seconds')).toBe(0)
  })

  it('tell what lies in the stores', async () => {
    // A process of its own: one shows what it has read for ten seconds.
    const fresh = await startHarness()
    try {
      await fresh.call('POST', '/api/leads', { ...LEAD, provider_ids: [AMY.id] })
      await fresh.rows(
        `update lead_unlocks set status = 'PAID', paid_at = app_now() - interval '7 minutes', next_attempt_at = '9999-01-01'`,
      )
      await fresh.rows(`update outbound_messages set next_attempt_at = app_now() - interval '3 minutes'`)
      await fresh.rows(
        `insert into escalations (kind, subject, summary) values ('stuck', 'a', 'b'), ('stuck', 'c', 'd')`,
      )
      await fresh.rows(
        `insert into webhook_inbox (source, external_id, content_type, sealed_body, status, received_at, next_attempt_at)
         values ('stripe', '1', '', '', 'received', app_now() - interval '2 minutes', app_now()),
                ('textmagic', '2', '', '', 'received', app_now() - interval '2 days', '9999-01-01')`,
      )
      await fresh.publisher.queues.get('reveal')?.pause()
      const { value } = await scrapeWith(fresh, ...SYSTEM)
      expect(value('lead_unlock_unlocks', { status: 'PAID' })).toBe(1)
      expect(value('lead_unlock_unrevealed_payment_age_seconds')).toBeGreaterThanOrEqual(7 * 60)
      expect(value('lead_unlock_overdue_seconds', { work: 'outbound_messages' })).toBeGreaterThanOrEqual(3 * 60)
      expect(value('lead_unlock_overdue_seconds', { work: 'lead_unlocks' })).toBe(0)
      expect(value('lead_unlock_escalations_open', { kind: 'stuck' })).toBe(2)
      expect(value('lead_unlock_inbox_oldest_age_seconds', { source: 'stripe' })).toBeGreaterThanOrEqual(2 * 60)
      // It waits for a person, who has an escalation for it.
      expect(value('lead_unlock_inbox_oldest_age_seconds', { source: 'textmagic' })).toBe(0)
      expect(value('lead_unlock_queue_jobs', { queue: 'send-teaser', state: 'waiting' })).toBe(1)
      expect(value('lead_unlock_queue_jobs', { queue: 'expire', state: 'delayed' })).toBe(1)
      expect(value('lead_unlock_queue_paused', { queue: 'reveal' })).toBe(1)
      expect(value('lead_unlock_queue_paused', { queue: 'expire' })).toBe(0)
    } finally {
      await fresh.close()
    }
  })

  it.each(['America/New_York', 'Pacific/Auckland'])(
    'leave out what waits for a person, also where the clock of Postgres is that of %s',
    async (zone) => {
      const { url, db, close } = await openMigratedDatabase(1)
      await db.em.fork().execute(`alter database "${new URL(url).pathname.slice(1)}" set timezone = '${zone}'`)
      const elsewhere = await openDatabase({ url, poolSize: 1 })
      try {
        await elsewhere.em.fork().execute(
          `insert into webhook_inbox (source, external_id, content_type, sealed_body, status, attempts, next_attempt_at)
           values ('textmagic', '1', '', '', 'received', 0, app_now()), ('stripe', '1', '', '', 'received', 25, app_now())`,
        )
        await inTransaction(elsewhere.em, (tx) => markFailed(tx, 1, 'inbox_failed', 'unreadable_sms'))
        await inTransaction(elsewhere.em, (tx) => claimDue(tx, 10))
        expect((await openFigures(elsewhere.em)).inboxAgeSeconds).toEqual(new Map())
      } finally {
        await elsewhere.close(true)
        await close()
      }
    },
  )

  it('tell how requests and webhooks were answered, by route and never by URL', async () => {
    const before = await scrape()
    const post = (url: string, payload: string) => api.inject({ method: 'POST', url, payload })
    const text = JSON.stringify({ id: 77, sender: '13055550160', text: 'hello' })
    await post(`/webhook/textmagic?token=${TOKEN}`, text)
    await post(`/webhook/textmagic?token=${TOKEN}`, text)
    await post(`/webhook/textmagic?token=${TOKEN}`, 'what is this')
    await post(`/webhook/textmagic?token=${TOKEN}`, '')
    await post('/webhook/textmagic?token=wrong', text)
    await api.inject({ method: 'GET', url: `/webhook/textmagic/delivery?token=${TOKEN}` })
    await post('/webhook/stripe', '{}')
    await api.call('GET', '/api/leads/lead_abcd1234')
    await api.inject({ method: 'GET', url: '/no/such/place/13055550160' })

    const after = await scrape()
    const more = (source: string, result: string) => {
      const labels = { source, result }
      const count = (seen: typeof after) => seen.value('lead_unlock_webhooks_total', labels) ?? 0
      return count(after) - count(before)
    }
    expect(
      ['stored', 'duplicate', 'unintelligible', 'nothing', 'refused', 'failed'].map((result) =>
        more('textmagic', result),
      ),
    ).toEqual([1, 1, 1, 1, 1, 0])
    expect(more('textmagic_delivery', 'nothing')).toBe(1)
    expect(more('stripe', 'refused')).toBe(1)
    const answered = (route: string, status: string) =>
      after.value('lead_unlock_http_request_duration_seconds_count', { method: 'GET', route, status })
    expect(answered('/api/leads/:id', '404')).toBe(1)
    expect(answered('none', '404')).toBe(1)
    expect([...after.samples.keys()].join('\n')).not.toMatch(/token=|13055550160|abcd1234/)
  })

  it.each([
    ['Redis', { redisUrl: 'redis://127.0.0.1:1' }, 'lead_unlock_queue_jobs', 'lead_unlock_unlocks', 'queues'],
    [
      'Postgres',
      { databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing' },
      'lead_unlock_unlocks',
      'lead_unlock_queue_jobs',
      'database',
    ],
  ])(
    'are there while %s is away, but for those it would have to tell',
    async (_store, options, missing, there, source) => {
      const away = await startHarness(options)
      try {
        const { samples, value } = await scrapeWith(away, there, 'lead_unlock_postgres_connections_limit')
        expect([...samples.keys()].filter((key) => key.startsWith(missing))).toEqual([])
        expect(value('lead_unlock_collect_errors_total', { source })).toBeGreaterThan(0)
      } finally {
        await away.close()
      }
    },
  )

  it('tell webhooks that could not be stored from those that were refused', async () => {
    const away = await startHarness({ databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing' })
    try {
      const payload = JSON.stringify({ id: 78, sender: '13055550160', text: 'hello' })
      const answer = await away.inject({ method: 'POST', url: `/webhook/textmagic?token=${TOKEN}`, payload })
      expect(answer.status).toBe(503)
      const { value } = await scrape(away)
      const count = (result: string) => value('lead_unlock_webhooks_total', { source: 'textmagic', result })
      expect([count('failed'), count('refused'), count('stored')]).toEqual([1, 0, 0])
    } finally {
      await away.close()
    }
  })

  it('tell how many wait for a connection to Postgres', async () => {
    const held = Promise.withResolvers<void>()
    const holding = Array.from({ length: 5 }, () =>
      api.db.em.fork().transactional(async (tx) => {
        await tx.execute('select 1')
        await held.promise
      }),
    )
    const connections = async () => (await scrape()).value('lead_unlock_postgres_connections', { state: 'in_use' })
    await until('all connections to be in use', async () => (await connections()) === 5)
    const waiting = api.call('GET', '/api/leads')
    await until('one to wait', async () => ((await scrape()).value('lead_unlock_postgres_waiting') ?? 0) > 0)
    held.resolve()
    await Promise.all(holding)
    expect((await waiting).status).toBe(200)
  })
})
