import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Harness, LEAD, startHarness } from './api-harness.ts'

/** Runs one statement on a connection of its own, outside the pool under test. */
async function queryServer(sql: string, ...values: string[]): Promise<void> {
  const client = new Client({ connectionString: api.databaseUrl })
  await client.connect()
  await client.query(sql, values)
  await client.end()
}

/** Opens a transaction that stays open until `end`. */
async function queryServerUntil(sql: string, url: string) {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(sql)
  return {
    query: async (statement: string) => (await client.query(statement)).rows,
    end: () => client.end(),
  }
}

let api: Harness
beforeAll(async () => {
  api = await startHarness()
})
afterAll(() => api.close())

describe('health', () => {
  it('says alive, and ready when Postgres and its schema are there', async () => {
    expect((await api.inject({ method: 'GET', url: '/healthz' })).body).toEqual({ status: 'alive' })
    const { status, body } = await api.inject({ method: 'GET', url: '/readyz' })
    expect(status).toBe(200)
    expect(body).toEqual({ status: 'ready', checks: { database: 'ok', migrations: 'ok', redis: 'ok' } })
  })

  it.each([
    ['migrations are pending', { migrate: false }, { database: 'ok', migrations: 'pending', redis: 'ok' }],
    [
      'Postgres is away',
      { databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing' },
      { database: 'failed', migrations: 'unknown', redis: 'ok' },
    ],
  ])('says alive but not ready while %s', async (_case, options, checks) => {
    const away = await startHarness(options)
    try {
      expect((await away.inject({ method: 'GET', url: '/healthz' })).status).toBe(200)
      const { status, headers, body } = await away.inject({ method: 'GET', url: '/readyz' })
      expect([status, headers['retry-after']]).toEqual([503, '5'])
      expect(body).toMatchObject({ type: 'urn:lead-unlock:problem:not-ready', checks })
      expect(away.log.filter((line) => line.includes('"error_code":"not-ready"'))).toHaveLength(1)
    } finally {
      await away.close()
    }
  })

  it('stays ready while Redis is away, because it goes on accepting and storing, and says degraded', async () => {
    const away = await startHarness({ redisUrl: 'redis://127.0.0.1:1' })
    try {
      const { status, body } = await away.inject({ method: 'GET', url: '/readyz' })
      expect(status).toBe(200)
      expect(body).toEqual({ status: 'degraded', checks: { database: 'ok', migrations: 'ok', redis: 'failed' } })
      expect((await away.call('POST', '/api/leads', LEAD)).status).toBe(201)
    } finally {
      await away.close()
    }
  })

  it('is not ready on a Postgres that takes no writes, and by asking gets to the one that does', async () => {
    const name = new URL(api.databaseUrl).pathname.slice(1)
    const server = await queryServerUntil(
      `alter database "${name}" set default_transaction_read_only = on`,
      api.databaseUrl,
    )
    const failedOver = await startHarness({ beside: api })
    try {
      const { status, body } = await failedOver.inject({ method: 'GET', url: '/readyz' })
      expect(status).toBe(503)
      expect(body.checks).toMatchObject({ database: 'failed' })
      // From here on the name leads to the new primary again.
      await server.query(`alter database "${name}" reset default_transaction_read_only`)
      expect((await failedOver.inject({ method: 'GET', url: '/readyz' })).status).toBe(200)
    } finally {
      await server.query(`alter database "${name}" reset default_transaction_read_only`)
      await server.end()
      await failedOver.close()
    }
  })

  it('asking creates nothing in an empty database', async () => {
    const empty = await startHarness({ migrate: false })
    try {
      await empty.inject({ method: 'GET', url: '/readyz' })
      expect(await empty.rows("select 1 from pg_tables where schemaname = 'public'")).toEqual([])
    } finally {
      await empty.close()
    }
  })

  it('calls to the API are answered 503 while migrations are pending', async () => {
    const empty = await startHarness({ migrate: false })
    try {
      expect((await empty.call('POST', '/api/leads', LEAD)).status).toBe(503)
    } finally {
      await empty.close()
    }
  })
})

describe('when Postgres ends its connections', () => {
  const endConnections = () =>
    queryServer(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
      new URL(api.databaseUrl).pathname.slice(1),
    )

  it('idle ones are opened anew', async () => {
    expect((await api.call('GET', '/api/leads')).status).toBe(200)
    await endConnections()
    const statuses: number[] = []
    await expect
      .poll(async () => {
        const { status } = await api.call('GET', '/api/leads')
        statuses.push(status)
        return status
      })
      .toBe(200)
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
  })

  it('a request under way is answered 503, and the next one as usual', async () => {
    const blocker = await queryServerUntil('begin; lock table leads in access exclusive mode', api.databaseUrl)
    const answer = api.call('POST', '/api/leads', LEAD)
    try {
      await expect
        .poll(() =>
          blocker.query(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
          ),
        )
        .toHaveLength(1)
      await blocker.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      expect((await answer).status).toBe(503)
    } finally {
      await blocker.end()
    }
    expect((await api.call('POST', '/api/leads', LEAD)).status).toBe(201)
  })
})

describe('a request', () => {
  it.each(['abc-1', 'A.b:c_d-9', 'x'.repeat(128)])('keeps the id %s it came with', async (id) => {
    const { headers } = await api.inject({ method: 'GET', url: '/healthz', headers: { 'x-request-id': id } })
    expect(headers['x-request-id']).toBe(id)
  })

  it.each(['', 'has space', 'x'.repeat(129), '<script>', '+13055550160', '13055550160'])(
    'gets an id of ours instead of %j',
    async (id) => {
      const { headers } = await api.inject({ method: 'GET', url: '/healthz', headers: { 'x-request-id': id } })
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    },
  )

  it('is logged once, by its route and without its query', async () => {
    api.log.length = 0
    await api.call('GET', '/api/leads/lead_abcd1234?include_locked=true', undefined, { 'x-request-id': 'logged' })
    const lines = api.log.map((line) => JSON.parse(line)).filter((line) => line.request_id === 'logged')
    expect(lines).toMatchObject([
      { operation: 'request', method: 'GET', path: '/api/leads/:id', status: 404, role: 'admin' },
    ])
    expect(api.log.join('')).not.toContain('include_locked')
  })

  it('that fails inside is answered 500 without what failed, and logged', async () => {
    api.log.length = 0
    await api.call('POST', '/api/leads', LEAD)
    await api.rows("update leads set client_name = 'tampered'")
    const [row] = await api.rows<{ id: string }>('select id from leads limit 1')
    const { status, body, text } = await api.call('GET', `/api/leads/${row?.id}?include_locked=true`)
    expect(status).toBe(500)
    expect(body).toEqual({
      type: 'urn:lead-unlock:problem:internal',
      title: expect.any(String),
      status: 500,
      instance: `/api/leads/${row?.id}`,
      request_id: expect.any(String),
    })
    expect(text).not.toContain('seal')
    expect(api.log.join('')).toContain('unseal_failed')
  })
})

describe('the documentation', () => {
  type Operation = {
    responses: Record<string, { content?: Record<string, unknown> }>
    security?: object[]
    requestBody?: { required?: boolean }
  }
  const document = async () => (await api.inject({ method: 'GET', url: '/docs/json' })).body

  it('shows a lead and a provider that are taken as they stand', async () => {
    const { paths } = await document()
    const exampleOf = ({ requestBody }: Answer['body']) => {
      const { schema, example, examples } = requestBody.content['application/json']
      return example ?? schema.examples?.[0] ?? Object.values<Answer['body']>(examples ?? {})[0]?.value
    }
    const provider = exampleOf(paths['/api/providers/{id}'].put)
    expect(await api.call('PUT', '/api/providers/provider70', provider)).toMatchObject({ status: 201 })
    const lead = exampleOf(paths['/api/leads'].post)
    const { status, body } = await api.call('POST', '/api/leads', lead)
    expect([status, body.unlocks?.length]).toEqual([201, 2])
  })

  it('is an OpenAPI document that lists every route', async () => {
    const { openapi, info, paths, components } = await document()
    expect(openapi).toBe('3.1.0')
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(info.version).toBe(version)
    const listed = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(listed.sort()).toEqual(
      [
        'DELETE /api/leads/{id}/contact',
        'GET /api/analytics',
        'GET /api/audit',
        'GET /api/escalations',
        'GET /api/leads',
        'GET /api/leads/{id}',
        'GET /api/messages',
        'GET /api/payments',
        'GET /api/payments/export',
        'GET /api/providers',
        'GET /api/providers/{id}',
        'GET /api/unlocks',
        'GET /api/unlocks/export',
        'GET /api/unlocks/{id}',
        'GET /healthz',
        'GET /metrics',
        'GET /readyz',
        'GET /webhook/textmagic',
        'GET /webhook/textmagic/delivery',
        'POST /api/escalations/{id}/resolve',
        'POST /api/leads',
        'POST /api/leads/{id}/send',
        ...['expire', 'refund', 'resend-link', 'retry-reveal'].map((name) => `POST /api/unlocks/{id}/${name}`),
        'POST /api/providers/import',
        'POST /webhook/stripe',
        'POST /webhook/textmagic',
        'POST /webhook/textmagic/delivery',
        'PUT /api/providers/{id}',
      ].sort(),
    )
    expect(Object.keys(components.securitySchemes)).toEqual(['apiKey', 'webhookToken', 'stripeSignature'])
  })

  it('docs/api.md shows every call', async () => {
    const shown = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
    const paths = Object.keys((await document()).paths)
    const isShown = (path: string) => new RegExp(`${path.replaceAll(/\{\w+\}/g, '[\\w$]+')}\\b(?!/)`).test(shown)
    expect(paths.filter((path) => !isShown(path))).toEqual([])
  })

  it('declares every error as a problem, and how each route is secured', async () => {
    const { paths } = await document()
    for (const [path, methods] of Object.entries<Record<string, Operation>>(paths)) {
      for (const { responses, security } of Object.values(methods)) {
        if (!path.endsWith('z')) expect(security, path).toHaveLength(1)
        for (const [status, { content }] of Object.entries(responses)) {
          if (Number(status) >= 400) expect(Object.keys(content ?? {}), path).toEqual(['application/problem+json'])
        }
      }
    }
  })

  it('says of each call that takes a body whether it may be left out', async () => {
    const { paths } = await document()
    const calls = Object.entries<Record<string, Operation>>(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => ({ call: `${method} ${path}`, requestBody })),
    )
    const optional = calls.filter(({ requestBody }) => requestBody?.required === false).map(({ call }) => call)
    const required = calls.filter(({ requestBody }) => requestBody?.required === true).map(({ call }) => call)
    expect(optional.sort()).toEqual(
      [
        'post /api/escalations/{id}/resolve',
        ...['expire', 'refund', 'resend-link', 'retry-reveal'].map((name) => `post /api/unlocks/{id}/${name}`),
      ].sort(),
    )
    expect(required).toContain('post /api/leads/{id}/send')
    // What is documented is what is done.
    for (const call of [...optional, ...required].filter((call) => call.includes('/api/'))) {
      const [verb, path = ''] = call.split(' ')
      const answer = await api.call(verb === 'put' ? 'PUT' : 'POST', path.replaceAll(/\{\w+\}/g, '0'))
      // A file is missed by its type, before its content.
      const missed = call.endsWith('/import') ? 415 : 400
      expect([call, answer.status]).toEqual([call, optional.includes(call) ? 404 : missed])
    }
    expect(JSON.stringify(paths)).not.toContain('x-body')
  })

  it('resolves every reference within itself', async () => {
    const whole = await document()
    const references = [...JSON.stringify(whole).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '')
    for (const path of references) {
      expect(path.split('/').reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), whole)).toBeDefined()
    }
  })

  it('can be read in a browser', async () => {
    const { status, headers } = await api.inject({ method: 'GET', url: '/docs' })
    expect([200, 302]).toContain(status)
    expect(headers).toBeDefined()
  })
})
