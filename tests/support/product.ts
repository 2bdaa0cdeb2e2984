import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MikroORM } from '@mikro-orm/postgresql'
import { apiConfigOf } from '../../src/api/api-config.ts'
import { buildApp } from '../../src/api/app.ts'
import { measureApi } from '../../src/api/measure.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import type { LedgerTiming } from '../../src/db/ledger/claim.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createSealer, type Sealer } from '../../src/db/sealing/sealing.ts'
import type { UnlockStatus } from '../../src/domain/states.ts'
import { createLogger } from '../../src/logging.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import { jobNames } from '../../src/queues/contract.ts'
import { createPublisher, type Publisher } from '../../src/queues/publisher.ts'
import {
  callbackUrls,
  newSandboxSecrets,
  SANDBOX_TEXTMAGIC_USERNAME,
  type SandboxSecrets,
  sandboxEnvironment,
} from '../../src/sandbox/environment.ts'
import { SAMPLE_LEAD, SAMPLE_PROVIDERS } from '../../src/sandbox/sample.ts'
import { type StripeEmulator, startStripeEmulator } from '../../src/sandbox/stripe/emulator.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { type RunningWorkers, startWorkers } from '../../src/workers/start.ts'
import { NO_SHEDDING } from './no-shedding.ts'
import { createTestDatabase, type TestRedis, testRedis } from './stores.ts'
import { until } from './until.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are asserted on field by field
export type Json = any

/** The whole product on real stores, its gateways emulated over HTTP, in this process. */
export type Product = {
  url: string
  db: MikroORM
  sealer: Sealer
  publisher: Publisher
  textmagic: TextMagicEmulator
  stripe: StripeEmulator
  secrets: SandboxSecrets
  config: Config
  /** Everything that was logged, one JSON object a line. */
  log: string[]
  /** What the fallback system and the alert webhook got. */
  forwarded: { path: string; contentType: string; body: string }[]
  /** Begins each of its keys in Redis. */
  redisPrefix: string
  /** Calls the API as the admin. */
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }>
  rows<T extends object>(sql: string, values?: unknown[]): Promise<T[]>
  /** Posts a lead to these providers and waits for their teasers. Returns lead id and unlock ids by provider. */
  offer(
    providerIds?: readonly string[],
    overrides?: object,
  ): Promise<{ leadId: string; unlocks: Record<string, number> }>
  /** A provider texts. */
  text(providerId: string, text: string): Promise<void>
  /** Every SMS that the gateway accepted for a provider, oldest first. */
  inboxOf(providerId: string): string[]
  unlock(id: number): Promise<Json>
  statusOf(unlockId: number): Promise<UnlockStatus>
  /** Waits until the unlock has one of these states. */
  reaches(id: number, ...states: string[]): Promise<void>
  /** Waits for the payment link in the provider's newest SMS that holds one. */
  linkOf(providerId: string): Promise<string>
  startMoreWorkers(): Promise<RunningWorkers>
  stopWorkers(): Promise<void>
  close(): Promise<void>
}

export type ProductOptions = {
  env?: Record<string, string>
  workers?: boolean
  ledgerTiming?: LedgerTiming
  /** Instead of the run's own; closed with the product. */
  redis?: TestRedis
}

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const database = await createTestDatabase({ migrated: true })
  const stores = options.redis ?? testRedis()
  const secrets = newSandboxSecrets()
  const log: string[] = []
  const logger = createLogger({ name: 'test', level: 'debug', destination: { write: (line) => log.push(line) } })
  const forwarded: Product['forwarded'] = []
  const sink = await startSink(forwarded)
  const textmagic = await startTextMagicEmulator({
    username: SANDBOX_TEXTMAGIC_USERNAME,
    apiKey: secrets.textmagicApiKey,
    deliveryDelayMs: 5,
  })
  const stripe = await startStripeEmulator({
    secretKey: secrets.stripeSecretKey,
    webhookSecret: secrets.stripeWebhookSecret,
    retryDelaysMs: [50, 100, 200],
  })
  const addresses = {
    databaseUrl: database.url,
    redisUrl: stores.url,
    apiPort: 0,
    textmagicUrl: textmagic.url,
    stripeUrl: stripe.url,
    fallbackUrl: `${sink.url}/fallback`,
    alertUrl: `${sink.url}/alert`,
  }
  const config = loadConfig({
    ...sandboxEnvironment(addresses, secrets),
    SWEEP_SECONDS: '1',
    TEXTMAGIC_RATE_PER_SECOND: '500',
    ...options.env,
  })
  const db = await openDatabase({ url: database.url, poolSize: 5 })
  const redis = producerConnection(stores.url)
  redis.on('error', () => undefined)
  const publisher = createPublisher(
    redis,
    (error, job) => logger.warn({ err: error, job }, 'not published'),
    stores.prefix,
  )
  const sealer = createSealer(config.encryptionKeys)
  const app = await buildApp({
    db,
    sealer,
    publisher,
    redis,
    redisPrefix: stores.prefix,
    pressure: NO_SHEDDING,
    logger,
    metrics: measureApi(db, publisher, logger),
    config: apiConfigOf(config),
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const urls = callbackUrls(url, secrets)
  textmagic.configure({ inboundUrl: urls.inbound, deliveryUrl: urls.delivery })
  stripe.setWebhook({ url: urls.stripe, secret: secrets.stripeWebhookSecret })

  const running: RunningWorkers[] = []
  const startMoreWorkers = async () => {
    const workers = await startWorkers(config, logger, jobNames, {
      prefix: stores.prefix,
      ledgerTiming: options.ledgerTiming ?? { leaseMs: 20_000, settleMs: 300, answeredSettleMs: 100 },
    })
    running.push(workers)
    return workers
  }
  const stopWorkers = async () => {
    await Promise.all(running.splice(0).map((workers) => workers.close()))
  }

  const rows: Product['rows'] = (sql, values = []) => db.em.fork().execute(sql, values)
  const api: Product['api'] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secrets.adminApiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }
  const phoneOf = (providerId: string) => {
    const provider = SAMPLE_PROVIDERS.find(({ id }) => id === providerId)
    if (provider === undefined) throw new Error(`no sample provider ${providerId}`)
    return provider.phone.slice(1)
  }
  const teasersUnderWay = async (leadId: string) => ({
    messages: await db.em.fork().execute(
      `select m.status, m.attempts, m.error_code, m.next_attempt_at - app_now() as due_in from outbound_messages m
       join lead_unlocks u on u.id = m.unlock_id where u.lead_id = ?`,
      [leadId],
    ),
    jobs: await publisher.queues.get('send-teaser')?.getJobCounts(),
  })
  const inboxOf: Product['inboxOf'] = (providerId) =>
    textmagic
      .messages()
      .filter(({ phone }) => phone === phoneOf(providerId))
      .map(({ text }) => text)
  const unlock: Product['unlock'] = async (id) => (await api('GET', `/api/unlocks/${id}`)).body
  const statusOf: Product['statusOf'] = async (unlockId) => (await unlock(unlockId)).unlock.status

  for (const { id, ...provider } of SAMPLE_PROVIDERS) await api('PUT', `/api/providers/${id}`, provider)
  if (options.workers !== false) await startMoreWorkers()

  return {
    url,
    db,
    sealer,
    publisher,
    textmagic,
    stripe,
    secrets,
    config,
    log,
    forwarded,
    redisPrefix: stores.prefix,
    api,
    rows,
    async offer(providerIds = ['provider60'], overrides = {}) {
      const answer = await api('POST', '/api/leads', { ...SAMPLE_LEAD, provider_ids: providerIds, ...overrides })
      if (answer.status !== 201)
        throw new Error(`POST /api/leads answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      const leadId: string = answer.body.lead.id
      const unlocks: Record<string, number> = {}
      for (const { id, provider_id } of answer.body.unlocks) unlocks[provider_id] = id
      if (running.length > 0) {
        await until(
          `teasers of ${leadId}`,
          () => providerIds.every((provider) => inboxOf(provider).some((text) => text.endsWith(`Lead ${leadId}.`))),
          async () => JSON.stringify(await teasersUnderWay(leadId)),
        )
      }
      return { leadId, unlocks }
    },
    async text(providerId, text) {
      await textmagic.reply({ from: phoneOf(providerId), text })
    },
    inboxOf,
    unlock,
    statusOf,
    async reaches(id, ...states) {
      await until(
        `unlock ${id} to be ${states.join(' or ')}`,
        async () => {
          const [row] = await rows<{ status: string }>('select status from lead_unlocks where id = ?', [id])
          return row !== undefined && states.includes(row.status)
        },
        async () => JSON.stringify(await unlock(id)),
      )
    },
    async linkOf(providerId) {
      const find = () =>
        inboxOf(providerId)
          .map((text) => /details: (\S+) \(Lead/.exec(text)?.[1])
          .findLast((found) => found !== undefined)
      await until(`a payment link for ${providerId}`, () => find() !== undefined)
      return find() ?? ''
    },
    startMoreWorkers,
    stopWorkers,
    async close() {
      await stopWorkers()
      await app.close()
      await publisher.close()
      redis.disconnect()
      await Promise.all([textmagic.close(), stripe.close()])
      await sink.close()
      await db.close(true)
      await stores.close()
      await database.drop()
    },
  }
}

/** A server that keeps what it gets and says 200. */
async function startSink(received: Product['forwarded']): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const contentType = request.headers['content-type'] ?? ''
      received.push({ path: request.url ?? '', contentType, body: Buffer.concat(chunks).toString('utf8') })
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
