import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserOf, FOREIGN, OWN } from './api-board-browser.ts'
import { ADMIN_KEY, type Harness, OPERATOR_KEY, startHarness } from './api-harness.ts'
import { startSilentRedis } from './api-silent-redis.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const { get, post, act, signIn, storedKey, audited } = browserOf(() => api)

describe('without a session', () => {
  it.each(['/admin/queues', '/admin/queues/', '/admin/queues/queue/reveal', '/admin/queues/queue/reveal/7'])(
    'the page %s leads a browser to the sign-in',
    async (url) => {
      const { status, headers } = await get(url, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
      expect([status, headers.location]).toEqual([303, '/admin/sign-in'])
    },
  )

  it.each<Record<string, string>>([{}, { accept: '*/*' }, { accept: 'application/json' }])(
    'a program with %j is refused',
    async (headers) => {
      const answer = await get('/admin/queues', headers)
      expect([answer.status, answer.body.type]).toEqual([401, 'urn:lead-unlock:problem:unauthorized'])
    },
  )

  it.each(['/admin/queues/api/queues', '/admin/queues/static/none.js'])('%s is refused as a problem', async (url) => {
    for (const cookie of ['', 'lead_unlock_board=none', `lead_unlock_board=${'A'.repeat(43)}`]) {
      const answer = await get(url, { cookie })
      expect([answer.status, answer.body.type]).toEqual([401, 'urn:lead-unlock:problem:unauthorized'])
    }
  })

  it('nothing can be done', async () => {
    expect((await act('/api/queues/reveal/pause', OWN)).status).toBe(401)
  })

  it('a password prompt of the browser is never asked for, nor taken', async () => {
    const basic = `Basic ${Buffer.from(`admin:${ADMIN_KEY}`).toString('base64')}`
    const { status, headers } = await get('/admin/queues/api/queues', { authorization: basic })
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer realm="lead-unlock"'])
  })
})

describe('the board', () => {
  it('shows every queue, and jobs by their ids alone', async () => {
    const contraband = { client_name: 'Sarah Johnson', unlock_id: 'Sarah Johnson' }
    await api.publisher.publish([{ job: 'reveal', unlock_id: 12 }])
    const job = await api.publisher.queues.get('reveal')?.add('Sarah Johnson', contraband)
    await job?.log('Sarah Johnson')
    const session = await signIn(OPERATOR_KEY)
    const { body, text } = await get('/admin/queues/api/queues?activeQueue=reveal&status=waiting', session)
    expect(body.queues.map((queue: { name: string }) => queue.name)).toEqual([...api.publisher.queues.keys()])
    const reveal = body.queues.find((queue: { name: string }) => queue.name === 'reveal')
    expect(reveal.jobs.map((shown: { data: object }) => shown.data)).toContainEqual({ unlock_id: 12 })
    const views = [text]
    for (const view of ['', '/logs', '/flow']) {
      const one = await get(`/admin/queues/api/queues/reveal/${job?.id}${view}`, session)
      expect(one.status).toBe(200)
      views.push(one.text)
    }
    expect(views.join('')).not.toContain('Sarah')
    await job?.remove()
  })

  it('can be called with a key, as the API can', async () => {
    for (const key of [ADMIN_KEY, OPERATOR_KEY, await storedKey('curl', 'operator')]) {
      const authorization = `Bearer ${key}`
      expect((await get('/admin/queues/api/queues', { authorization })).status).toBe(200)
      expect((await act('/api/queues/reveal/resume', { authorization })).status).toBe(200)
    }
    const authorization = `Bearer ${await storedKey('form-curl', 'intake')}`
    expect((await get('/admin/queues/api/queues', { authorization })).status).toBe(403)
    const wrong = await get('/admin/queues', { authorization: 'Bearer wrong' })
    expect([wrong.status, wrong.headers['www-authenticate']]).toEqual([401, 'Bearer realm="lead-unlock"'])
  })

  it('does what the runbook needs, and notes who asked for it before it is done', async () => {
    const session = await signIn(OPERATOR_KEY)
    const headers = (id: string) => ({ ...session, ...OWN, 'x-request-id': id })
    const queue = api.publisher.queues.get('reveal')
    const job = await queue?.add('reveal', { unlock_id: 12 }, { delay: 3_600_000 })
    expect((await act(`/api/queues/reveal/${job?.id}/promote`, headers('promotes'))).status).toBe(204)
    expect((await act('/api/queues/reveal/pause', headers('pauses'))).status).toBe(200)
    expect(await queue?.isPaused()).toBe(true)
    expect((await act('/api/queues/reveal/resume', headers('resumes'))).status).toBe(200)
    expect((await act('/api/queues/reveal/retry/failed', headers('retries'))).status).toBe(200)
    expect((await act(`/api/queues/reveal/${job?.id}/clean`, headers('removes'))).status).toBe(204)
    const entry = (action: string, target: string) => [{ key_name: 'operator', role: 'operator', action, target }]
    expect(await audited('promotes')).toEqual(entry('queue.promote_job', `job:reveal:${job?.id}`))
    expect(await audited('pauses')).toEqual(entry('queue.pause', 'queue:reveal'))
    expect(await audited('resumes')).toEqual(entry('queue.resume', 'queue:reveal'))
    expect(await audited('retries')).toEqual(entry('queue.retry_failed', 'queue:reveal'))
    expect(await audited('removes')).toEqual(entry('queue.remove_job', `job:reveal:${job?.id}`))
  })

  it.each([
    ['PUT', '/api/queues/reveal/obliterate'],
    ['PUT', '/api/queues/reveal/empty'],
    ['PUT', '/api/queues/reveal/clean/failed'],
    ['PUT', '/api/queues/reveal/retry/completed'],
    ['PUT', '/api/queues/reveal/promote'],
    ['PUT', '/api/queues/reveal/concurrency'],
    ['PUT', '/api/queues/reveal/rate-limit'],
    ['PUT', '/api/queues/sweep/job-schedulers/sweep/remove'],
    ['POST', '/api/queues/reveal/add'],
    ['PATCH', '/api/queues/reveal/1/update-data'],
  ] as const)('does not %s %s, for nobody, and says so on its page', async (method, path) => {
    const session = await signIn(ADMIN_KEY)
    const before = await api.jobs('reveal')
    const { status, body } = await act(path, { ...session, ...OWN, 'x-request-id': 'not-here' }, method)
    expect([status, body.error.key, body.message]).toEqual([
      403,
      'ERRORS.FORBIDDEN',
      expect.stringContaining('runbook'),
    ])
    expect(await api.jobs('reveal')).toEqual(before)
    expect(await audited('not-here')).toEqual([])
  })

  it.each(['/api/queues/reveal/%00/retry', '/api/queues/reveal%00/pause'])(
    'refuses %s as malformed: the audit log cannot hold its name',
    async (path) => {
      const session = await signIn(OPERATOR_KEY)
      const { status, body } = await act(path, { ...session, ...OWN, 'x-request-id': 'nul' })
      expect([status, body.type]).toEqual([400, 'urn:lead-unlock:problem:invalid-request'])
      expect(await audited('nul')).toEqual([])
    },
  )

  it('does nothing that a page of another site makes the browser send', async () => {
    const session = await signIn(ADMIN_KEY)
    for (const headers of FOREIGN) {
      expect((await act('/api/queues/reveal/pause', { ...session, ...headers })).status).toBe(403)
      expect((await post('/admin/sign-out', {}, { ...session, ...headers })).status).toBe(403)
    }
    expect(await api.publisher.queues.get('reveal')?.isPaused()).toBe(false)
  })

  it('does nothing that cannot be noted', async () => {
    const session = await signIn(ADMIN_KEY)
    await api.rows('alter table audit_log rename to audit_log_away')
    try {
      expect((await act('/api/queues/reveal/pause', { ...session, ...OWN })).status).toBe(503)
    } finally {
      await api.rows('alter table audit_log_away rename to audit_log')
    }
    expect(await api.publisher.queues.get('reveal')?.isPaused()).toBe(false)
  })
})

describe('while Redis is away', () => {
  it('the board answers as a problem that its page can show, without inner details', async () => {
    const away = await startHarness({ redisUrl: 'redis://127.0.0.1:1' })
    try {
      const { status, body, text } = await get('/admin/queues/api/queues', await signIn(ADMIN_KEY, away), away)
      expect(status).toBe(503)
      expect(body).toMatchObject({ type: 'urn:lead-unlock:problem:unavailable', error: 'Temporarily unavailable' })
      expect(text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|enableOfflineQueue/)
    } finally {
      await away.close()
    }
  })

  it('the board says so as well of one that goes away while it is asked', async () => {
    const silent = await startSilentRedis()
    const cut = await startHarness({ redisUrl: silent.url })
    try {
      if (cut.redis.status !== 'ready') await once(cut.redis, 'ready')
      silent.hush()
      const asking = get('/admin/queues/api/queues', { authorization: `Bearer ${ADMIN_KEY}` }, cut)
      await silent.sentInVain
      await silent.close()
      const { status, body } = await asking
      expect([status, body.error]).toEqual([503, 'Temporarily unavailable'])
    } finally {
      await cut.close()
    }
  })
})
