import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { MikroORM } from '@mikro-orm/postgresql'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Sealer } from '../db/sealing/sealing.ts'
import type { ApiMetrics } from '../metrics/api.ts'
import type { RedisConnection } from '../queues/connection.ts'
import type { Publisher } from '../queues/publisher.ts'
import type { ApiConfig } from './api-config.ts'
import type { PressureLimits } from './plugins/pressure.ts'

/** Everything the ingress works with; opened and closed by whoever builds it. */
export type ApiDeps = {
  db: MikroORM
  sealer: Sealer
  publisher: Publisher
  /** A producer connection: rate limits count on it, and the queue board asks whether it is there. */
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
