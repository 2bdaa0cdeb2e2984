import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { MikroORM } from '@mikro-orm/postgresql'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { TeaserPolicy } from '../db/offers.ts'
import type { Sealer } from '../db/sealing.ts'
import type { ApiMetrics } from '../metrics/api.ts'
import type { RedisConnection } from '../queues/connection.ts'
import type { Publisher } from '../queues/publisher.ts'
import type { PressureLimits } from './plugins/pressure.ts'

/** What of the configuration the ingress needs. */
export type ApiConfig = {
  /** Where the API is reached from outside. */
  publicUrl: string
  /** NODE_ENV=production: nothing is relaxed for a laptop. */
  production: boolean
  /** Whose pages may call the API from a browser. */
  corsOrigins: readonly string[]
  /** Addresses and networks whose word for where a request came from is taken. */
  trustedProxies: readonly string[]
  /** Calls that one key may make. */
  apiRatePerMinute: number
  adminApiKey: string
  /** Without one there is no operator. */
  operatorApiKey: string | null
  /** Several while a secret is being rolled. */
  stripeWebhookSecrets: readonly string[]
  /** Expected as `?token=`; without one the callbacks are open to whoever knows their address. */
  textmagicWebhookToken: string | null
  /** Opens /metrics and nothing else; without one it takes an API key. */
  metricsToken: string | null
  /** Terms of an offer that names none. */
  defaultPriceCents: number
  defaultCurrency: string
  defaultTtlHours: number
  teasers: TeaserPolicy
}

/** Everything the ingress works with; opened and closed by whoever builds it. */
export type ApiDeps = {
  db: MikroORM
  sealer: Sealer
  publisher: Publisher
  /** A producer connection: asked whether Redis is there. */
  redis: RedisConnection
  /** Begins the keys of the ingress in Redis; the product's own when absent. */
  redisPrefix?: string
  /** When requests are shed; the product's own limits when absent. */
  pressure?: PressureLimits
  logger: FastifyBaseLogger
  metrics: ApiMetrics
  config: ApiConfig
}

/** A Fastify instance whose handlers get their types from TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>
