import { randomBytes } from 'node:crypto'
import type { MikroORM } from '@mikro-orm/postgresql'
import type { InjectOptions } from 'fastify'
import type { ApiConfig } from '../../src/api/api-config.ts'
import { buildApp } from '../../src/api/app.ts'
import type { App } from '../../src/api/deps.ts'
import { measureApi } from '../../src/api/measure.ts'
import type { PressureLimits } from '../../src/api/plugins/pressure.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createSealer, type Sealer } from '../../src/db/sealing/sealing.ts'
import { createLogger } from '../../src/logging.ts'
import { producerConnection, type RedisConnection } from '../../src/queues/connection.ts'
import type { JobName } from '../../src/queues/contract.ts'
import { createPublisher, type Publisher } from '../../src/queues/publisher.ts'
import { NO_SHEDDING } from '../support/no-shedding.ts'
import { createTestDatabase, type TestDatabase, type TestRedis, testRedis } from '../support/stores.ts'

export const ADMIN_KEY = 'admin-key-for-tests'
export const OPERATOR_KEY = 'operator-key-for-tests'
export const STRIPE_SECRET = 'whsec_for_tests'
export const TOKEN = 'token-for-tests'

export const AMY = { id: 'provider60', name: 'Amy', phone: '+13055550160' }
export const BEN = { id: 'provider61', name: 'Ben', phone: '+13055550161' }

/** The sample lead. */
export const LEAD = {
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+1234567890',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
}

export type Harness = {
  app: App
  db: MikroORM
  sealer: Sealer
  redis: RedisConnection
  publisher: Publisher
  /** The database of this harness, for connections outside its pool. */
  databaseUrl: string
  /** Begins each of its keys in Redis. */
  redisPrefix: string
  /** Everything that was logged, one JSON object a line. */
  log: string[]
  /** Sends a request as the admin, unless it says otherwise; a body is sent as JSON. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
  /** Sends a request exactly as given. */
  inject(options: InjectOptions): Promise<Answer>
  /** Rows of a query. */
  rows<T extends object>(sql: string, values?: unknown[]): Promise<T[]>
  /** The payloads waiting in a queue, delayed ones included, oldest first. */
  jobs(name: JobName): Promise<{ data: Record<string, unknown>; delay: number }[]>
  close(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: answers are asserted on field by field
export type Answer = { status: number; headers: Record<string, unknown>; body: any; text: string }

export type HarnessOptions = {
  config?: Partial<ApiConfig>
  /** When requests are shed; never, where a test says nothing. */
  pressure?: PressureLimits
  /** False leaves the database empty. */
  migrate?: boolean
  /** A Redis that is not there. */
  redisUrl?: string
  /** A database that is not there. */
  databaseUrl?: string
  /** Another process of the same system, on its stores; closed before that one. */
  beside?: Harness
}

/** The ingress on a database and a Redis prefix of its own, with the providers Amy and Ben. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const { database, stores } = await openStores(options)
  const db = await openDatabase({ url: options.databaseUrl ?? database.url, poolSize: 5 })
  const log: string[] = []
  const logger = createLogger({ name: 'api', level: 'debug', destination: { write: (line) => log.push(line) } })
  const redis = producerConnection(options.redisUrl ?? stores.url)
  redis.on('error', () => undefined)
  const publisher = createPublisher(
    redis,
    (error, job) => logger.warn({ err: error, job }, 'not published'),
    stores.prefix,
  )
  const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }])
  const app = await buildApp({
    db,
    sealer,
    publisher,
    redis,
    redisPrefix: stores.prefix,
    pressure: options.pressure ?? NO_SHEDDING,
    logger,
    metrics: measureApi(db, publisher, logger),
    config: {
      publicUrl: 'http://localhost:3000',
      production: false,
      corsOrigins: [],
      trustedProxies: [],
      apiRatePerMinute: 1_000_000,
      adminApiKey: ADMIN_KEY,
      operatorApiKey: OPERATOR_KEY,
      stripeWebhookSecrets: [STRIPE_SECRET],
      textmagicWebhookToken: TOKEN,
      metricsToken: null,
      defaultTerms: { priceCents: 2000, currency: 'usd', ttlHours: 24 },
      teasers: { quiet: { hours: null, zonesOfUnknown: [] }, footer: '' },
      ...options.config,
    },
  })
  await app.ready()
  if (options.redisUrl === undefined && redis.status !== 'ready')
    await new Promise((resolve) => redis.once('ready', resolve))

  const inject = async (request: InjectOptions): Promise<Answer> => {
    const response = await app.inject(request)
    const type = String(response.headers['content-type'] ?? '')
    return {
      status: response.statusCode,
      headers: response.headers,
      body: type.includes('json') && response.body !== '' ? response.json() : null,
      text: response.body,
    }
  }
  const harness: Harness = {
    app,
    db,
    sealer,
    redis,
    publisher,
    databaseUrl: database.url,
    redisPrefix: stores.prefix,
    log,
    inject,
    call: (method, url, body, headers = {}) =>
      inject({
        method,
        url,
        headers: {
          authorization: `Bearer ${ADMIN_KEY}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      }),
    rows: (sql, values = []) => db.em.fork().execute(sql, values),
    async jobs(name) {
      const queue = publisher.queues.get(name)
      const found = (await queue?.getJobs(['waiting', 'prioritized', 'delayed'], 0, -1, true)) ?? []
      return found.map((job) => ({ data: job.data, delay: job.opts.delay ?? 0 }))
    },
    async close() {
      await app.close()
      await publisher.close()
      redis.disconnect()
      await db.close(true)
      await stores.close()
      await database.drop()
    },
  }
  if (isMigrated(options) && options.beside === undefined) {
    for (const { id, name, phone } of [AMY, BEN]) {
      await harness.rows('insert into providers (id, name, phone) values (?, ?, ?)', [id, name, phone])
    }
  }
  return harness
}

async function openStores({
  beside,
  ...options
}: HarnessOptions): Promise<{ database: TestDatabase; stores: TestRedis }> {
  if (beside === undefined) {
    return { database: await createTestDatabase({ migrated: isMigrated(options) }), stores: testRedis() }
  }
  const isTheirs = async () => undefined
  return {
    database: { url: beside.databaseUrl, drop: isTheirs },
    stores: { url: testRedis().url, prefix: beside.redisPrefix, close: isTheirs },
  }
}

function isMigrated({ migrate, databaseUrl }: HarnessOptions): boolean {
  return migrate !== false && databaseUrl === undefined
}
