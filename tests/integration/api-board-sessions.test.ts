import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSessions } from '../../src/api/board/sessions.ts'
import { revokeApiKey } from '../../src/db/access/api-keys.ts'
import { browserOf, cookieOf, FOREIGN, freshAddress, OWN } from './api-board-browser.ts'
import { ADMIN_KEY, type Harness, OPERATOR_KEY, startHarness } from './api-harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

const { get, post, signIn, storedKey, audited } = browserOf(() => api)

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
