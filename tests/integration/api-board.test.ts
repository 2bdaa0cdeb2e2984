import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSessions } from '../../src/api/board/sessions.ts'
import { createApiKey, revokeApiKey } from '../../src/db/api-keys.ts'
import { drawApiKey, hashApiKey } from '../../src/domain/api-key.ts'
import type { Role } from '../../src/domain/roles.ts'
import { ADMIN_KEY, type Answer, type Harness, OPERATOR_KEY, startHarness } from './api-harness.ts'
import { startSilentRedis } from './api-silent-redis.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const OWN = { 'sec-fetch-site': 'same-origin' }
/** What a browser says of a page of another site, or what is no browser we know. */
const FOREIGN: readonly Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example', host: 'localhost' },
  {},
]
let lastAddress = 0
/** An address that no other test has failed from. */
const freshAddress = () => {
  lastAddress += 1
  return `10.0.1.${lastAddress}`
}

const get = (url: string, headers: Record<string, string> = {}, harness = api) =>
  harness.inject({ method: 'GET', url, headers })
const post = (
  url: string,
  form: Record<string, string> = {},
  headers: Record<string, string> = OWN,
  remoteAddress = freshAddress(),
  harness = api,
) =>
  harness.inject({
    method: 'POST',
    url,
    remoteAddress,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(form).toString(),
  })
const act = (path: string, headers: Record<string, string>, method: 'PUT' | 'POST' | 'PATCH' = 'PUT') =>
  api.inject({ method, url: `/admin/queues${path}`, headers })

/** The cookie that an answer sets, as it is sent back. */
const cookieOf = (answer: Answer) => ({ cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' })
async function signIn(key: string, harness = api): Promise<{ cookie: string }> {
  const answer = await post('/admin/sign-in', { key }, OWN, freshAddress(), harness)
  expect([answer.status, answer.headers.location]).toEqual([303, '/admin/queues'])
  return cookieOf(answer)
}
async function storedKey(name: string, role: Role): Promise<string> {
  const key = drawApiKey()
  const by = { keyName: 'cli', role: null, requestId: null }
  await createApiKey(api.db.em, { name, role, hash: hashApiKey(key) }, by)
  return key
}
const audited = (requestId: string) =>
  api.rows('select key_name, role, action, target from audit_log where request_id = ? order by id', [requestId])

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

describe('signing in', () => {
  it('takes a form with a label, and runs no script', async () => {
    const { status, headers, text } = await get('/admin/sign-in')
    expect(status).toBe(200)
    expect(text).toContain('<label for="key">')
    expect(text).not.toMatch(/<script|\son\w+=|role="alert"/)
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*style-src 'sha256-[^']+'/)
    expect(headers['content-security-policy']).toContain("form-action 'self'")
    expect(headers['cache-control']).toBe('no-store')
  })

  it.each([
    ['admin', ADMIN_KEY],
    ['operator', OPERATOR_KEY],
  ])(
    'with the key of the %s opens the board by a cookie that scripts and other sites cannot use',
    async (_role, key) => {
      const answer = await post('/admin/sign-in', { key })
      expect(answer.headers['set-cookie']).toMatch(
        /^lead_unlock_board=[\w-]{43}; Max-Age=28800; Path=\/admin; HttpOnly; SameSite=Strict$/,
      )
      const open = await get('/admin/queues', cookieOf(answer))
      expect(open.status).toBe(200)
      expect(open.text).toContain('Lead Unlock')
      expect((await get('/admin/queues/api/queues', cookieOf(answer))).status).toBe(200)
    },
  )

  it('with a key of the table is noted under its name, and neither key nor token is stored or logged', async () => {
    const key = await storedKey('jane', 'operator')
    const answer = await post('/admin/sign-in', { key }, { ...OWN, 'x-request-id': 'jane-signs-in' })
    const token = cookieOf(answer).cookie.split('=')[1] ?? ''
    expect(await audited('jane-signs-in')).toEqual([
      { key_name: 'jane', role: 'operator', action: 'board.sign_in', target: 'board' },
    ])
    expect((await get('/admin/sign-in', cookieOf(answer))).text).toContain('<strong>jane</strong> (operator)')
    const stored = JSON.stringify(await api.rows('select * from board_sessions')) + api.log.join('')
    for (const secret of [key, token]) expect(stored).not.toContain(secret.slice(3))
  })

  it('takes a key with the space around it that copying brings along', async () => {
    await signIn(` ${ADMIN_KEY}\n`)
  })

  it('begins no session under a key that was revoked since it was recognised', async () => {
    const key = await storedKey('revoked-meanwhile', 'operator')
    const cli = { keyName: 'cli', role: null, requestId: null }
    await revokeApiKey(api.db.em, 'revoked-meanwhile', cli)
    const sessions = createSessions(api.db, { admin: ADMIN_KEY, operator: OPERATOR_KEY })
    const by = { keyName: 'revoked-meanwhile', role: 'operator' as const, requestId: null }
    expect(await sessions.begin(key, by)).toBeNull()
  })

  it('is refused for an intake key, with words, and without a session', async () => {
    const answer = await post('/admin/sign-in', { key: await storedKey('form', 'intake') })
    expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined])
    expect(answer.text).toContain('role="alert"')
  })

  it.each([
    ['a wrong key', { key: 'wrong' }, 401],
    ['markup', { key: '"><script>alert(1)</script>' }, 401],
    ['spaces', { key: '   ' }, 400],
    ['no key', {}, 400],
    ['a very long key', { key: 'x'.repeat(3000) }, 400],
    ['a huge key', { key: 'x'.repeat(10_000) }, 413],
  ])('with %s says so beside the field, and repeats nothing', async (_case, form, status) => {
    const answer = await post('/admin/sign-in', form)
    expect(answer.status).toBe(status)
    expect(answer.text).toMatch(/role="alert" id="problem">[A-Z][^<]+</)
    expect(answer.text).toContain('aria-invalid="true" aria-describedby="problem"')
    expect(answer.text).not.toContain('alert(1)')
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  it('sent by a page of another site is refused, also with the right key', async () => {
    for (const headers of FOREIGN) {
      const answer = await post('/admin/sign-in', { key: ADMIN_KEY }, headers)
      expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined])
    }
  })

  it('with a token that somebody else has planted in the browser gets another one, and that one opens nothing', async () => {
    const planted = { cookie: `lead_unlock_board=${'A'.repeat(43)}` }
    const answer = await post('/admin/sign-in', { key: ADMIN_KEY }, { ...OWN, ...planted })
    expect(answer.status).toBe(303)
    expect(cookieOf(answer)).not.toEqual(planted)
    expect((await get('/admin/queues', cookieOf(answer))).status).toBe(200)
    expect((await get('/admin/queues/api/queues', planted)).status).toBe(401)
  })

  it('fails at most sixty times a minute from one address, together with the API', async () => {
    const address = freshAddress()
    for (let attempt = 0; attempt < 60; attempt += 1) {
      expect((await post('/admin/sign-in', { key: 'wrong' }, OWN, address)).status).toBe(401)
    }
    const answer = await post('/admin/sign-in', { key: 'wrong' }, OWN, address)
    expect(answer.status).toBe(429)
    expect(answer.text).toContain('Too many failed authentications')
    const wrong = { authorization: 'Bearer wrong' }
    expect(
      (await api.inject({ method: 'GET', url: '/api/leads', remoteAddress: address, headers: wrong })).status,
    ).toBe(429)
    expect((await post('/admin/sign-in', { key: ADMIN_KEY }, OWN, address)).status).toBe(303)
  })
})

describe('a session ends', () => {
  const isOpen = async (cookie: { cookie: string }) => (await get('/admin/queues/api/queues', cookie)).status === 200

  it('by signing out, noted under the name of the key', async () => {
    const cookie = await signIn(OPERATOR_KEY)
    const answer = await post('/admin/sign-out', {}, { ...OWN, ...cookie, 'x-request-id': 'signs-out' })
    expect([answer.status, answer.headers.location]).toEqual([303, '/admin/sign-in'])
    expect(answer.headers['set-cookie']).toMatch(/^lead_unlock_board=; .*Path=\/admin/)
    expect(await isOpen(cookie)).toBe(false)
    expect(await audited('signs-out')).toEqual([
      { key_name: 'operator', role: 'operator', action: 'board.sign_out', target: 'board' },
    ])
  })

  it('after eight hours, whatever was done meanwhile, and is then cleared away', async () => {
    const cookie = await signIn(ADMIN_KEY)
    await api.rows("update board_sessions set expires_at = expires_at - interval '8 hours'")
    expect(await isOpen(cookie)).toBe(false)
    await signIn(ADMIN_KEY)
    expect(await api.rows('select 1 from board_sessions')).toHaveLength(1)
  })

  it('at once when its key is revoked', async () => {
    const cookie = await signIn(await storedKey('leaver', 'admin'))
    expect(await isOpen(cookie)).toBe(true)
    await revokeApiKey(api.db.em, 'leaver', { keyName: 'cli', role: null, requestId: null })
    expect(await isOpen(cookie)).toBe(false)
  })

  it('when its key is not configured any more, or another one is', async () => {
    const token = (await signIn(OPERATOR_KEY)).cookie.split('=')[1] ?? ''
    const ownerWith = (operator: string | null) => createSessions(api.db, { admin: ADMIN_KEY, operator }).find(token)
    expect(await ownerWith('another-key-for-tests')).toBeNull()
    expect(await ownerWith(null)).toBeNull()
    expect(await ownerWith(OPERATOR_KEY)).toEqual({ id: 'env:operator', name: 'operator', role: 'operator' })
  })

  it('by signing in again in the same browser', async () => {
    const first = await signIn(OPERATOR_KEY)
    const second = cookieOf(await post('/admin/sign-in', { key: ADMIN_KEY }, { ...OWN, ...first }))
    expect([await isOpen(first), await isOpen(second)]).toEqual([false, true])
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

describe('while Postgres is away', () => {
  it('the sign-in says so in words, and a key of the environment still opens the board', async () => {
    const away = await startHarness({ databaseUrl: 'postgresql://nobody@127.0.0.1:1/none' })
    try {
      const answer = await post('/admin/sign-in', { key: ADMIN_KEY }, OWN, freshAddress(), away)
      expect(answer.status).toBe(503)
      expect(answer.text).toContain('Something of ours is away')
      expect(away.log.some((line) => line.includes('"operation":"sign-in"'))).toBe(true)
      // Who brings no session is asked for a key without it.
      expect((await get('/admin/sign-in', {}, away)).status).toBe(200)
      expect((await get('/admin/queues/api/queues', { authorization: `Bearer ${ADMIN_KEY}` }, away)).status).toBe(200)
    } finally {
      await away.close()
    }
  })
})

it('over TLS the cookie is for TLS alone', async () => {
  const secure = await startHarness({ config: { publicUrl: 'https://leads.test' } })
  try {
    const { headers } = await post('/admin/sign-in', { key: ADMIN_KEY }, OWN, freshAddress(), secure)
    expect(headers['set-cookie']).toMatch(
      /^__Secure-lead_unlock_board=[\w-]{43}; .*; HttpOnly; Secure; SameSite=Strict$/,
    )
  } finally {
    await secure.close()
  }
})
